"""Sends the same messages with each client of Python; the arguments say which, where to, and how long."""

import logging
import sys

import graypy
import pygelf

HOST = "127.0.0.1"
COUNT = 20


def send(name, handler):
    logger = logging.Logger(name)
    logger.addHandler(handler)
    for number in range(COUNT):
        extra = {
            "sent_by": name,
            "user_email": f"user{number}@example.com",
            "payload": "x" * int(sys.argv[4]),
            "ratio": float("nan"),
            "cart": {"items": [1, 2]},
        }
        logger.error("message %d", number, extra=extra)
    try:
        raise ValueError("no such order")
    except ValueError:
        logger.exception("failed", extra={"sent_by": name, "ratio": float("nan"), "cart": {"items": [1, 2]}})
    handler.close()


def plain(udp, tcp):
    send("graypy_udp", graypy.GELFUDPHandler(HOST, udp))
    send("graypy_udp_plain", graypy.GELFUDPHandler(HOST, udp, compress=False))
    send("graypy_tcp", graypy.GELFTCPHandler(HOST, tcp))
    with_fields = {"include_extra_fields": True}
    send("pygelf_udp", pygelf.GelfUdpHandler(host=HOST, port=udp, compress=True, **with_fields))
    send("pygelf_udp_plain", pygelf.GelfUdpHandler(host=HOST, port=udp, compress=False, **with_fields))
    send("pygelf_tcp", pygelf.GelfTcpHandler(host=HOST, port=tcp, **with_fields))


def tls(port, certificate):
    handler = pygelf.GelfTlsHandler(
        host=HOST, port=port, validate=True, ca_certs=certificate, include_extra_fields=True
    )
    send("pygelf_tls", handler)


logging.raiseExceptions = True
if sys.argv[1] == "tls":
    tls(int(sys.argv[3]), sys.argv[5])
else:
    plain(int(sys.argv[2]), int(sys.argv[3]))
