"""Writes messages of GELF as their datagrams, for a sender that only sends: `gelf_datagrams.py packed|chunked FILE`.

`packed`: 1.8 KB of an error with its stack, gzip, one datagram of about 0.5 KB. `chunked`: 8 KB, not packed, in chunks
of 1,420 bytes, whose ids the sender sets. A message is its number of datagrams (one byte), then each with its length
(two bytes, big end first).
"""

import gzip
import json
import struct
import sys

MESSAGES = 5_000
CHUNK_BYTES = 1_420


def message(number, frames):
    stack = "".join(
        f'  File "/srv/shop/app/module{(number + frame) % 13}/orders.py", line {100 + frame * 37}, in step_{frame}\n'
        for frame in range(frames)
    )
    return json.dumps(
        {
            "version": "1.1",
            "host": f"web-{number % 20}",
            "short_message": f"no such order {number}",
            "full_message": f"no such order {number}\n{stack}",
            "level": 3,
            "_user_email": f"user{number * 7919 % 100_000}@example.com",
            "_api_method": "/api/v1/orders",
            "_method_type": "POST",
            "_controller": "Orders",
            "_payload": json.dumps({"order": number, "items": [1, 2, 3]}),
            "_request_id": f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}",
            "_number": number,
        }
    ).encode()


def datagrams(kind, number):
    if kind == "packed":
        return [gzip.compress(message(number, 22), mtime=0)]
    text = message(number, 116)
    parts = [text[start : start + CHUNK_BYTES] for start in range(0, len(text), CHUNK_BYTES)]
    head = lambda index: b"\x1e\x0f" + bytes(8) + bytes([index, len(parts)])
    return [head(index) + part for index, part in enumerate(parts)]


kind, path = sys.argv[1:]
with open(path, "wb") as out:
    for number in range(MESSAGES):
        all_of_it = datagrams(kind, number)
        out.write(bytes([len(all_of_it)]))
        for datagram in all_of_it:
            out.write(struct.pack(">H", len(datagram)) + datagram)
