"""A mail server that shows what it took, read by Python's own parser; it fails as it is told.

Arguments: a JSON object with port (0: any), mode (none, starttls, implicit), certificate and key, user and
password, reject (an address that is refused for good), busy (how many messages are put off first). Writes its port,
then a line of JSON per message.
"""
import email
import email.policy
import json
import socket
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

settings = json.loads(sys.argv[1])
lock = threading.Lock()


def say(value):
    with lock:
        print(json.dumps(value), flush=True)


class Handler:
    busy = settings.get("busy", 0)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == settings.get("reject"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.busy > 0:
            self.busy -= 1
            return "451 come again"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [part for part in message.walk() if not part.is_multipart()]
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": getattr(session, "auth_data", None) is not None,
            "headers": [[name, str(value)] for name, value in message.items()],
            "type": message.get_content_type(),
            "parts": [[part.get_content_type(), part.get_content()] for part in parts],
            "defects": [repr(defect) for part in message.walk() for defect in part.defects]
            + [repr(defect) for value in message.values() for defect in value.defects],
        })
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    is_right = data.login.decode() == settings.get("user") and data.password.decode() == settings.get("password")
    return AuthResult(success=is_right, handled=False, auth_data=data if is_right else None)


context = None
if settings["mode"] != "none":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"], settings["key"])

arguments = {}
if settings["mode"] == "starttls":
    arguments.update(tls_context=context, require_starttls=True)
if settings.get("user"):
    arguments.update(authenticator=authenticate, auth_required=True, auth_require_tls=settings["mode"] == "starttls")

controller = Controller(
    Handler(),
    hostname="127.0.0.1",
    port=settings.get("port", 0),
    ssl_context=context if settings["mode"] == "implicit" else None,
    **arguments,
)
# With port 0 the controller would knock at port 0 to see whether it runs.
controller._trigger_server = lambda: socket.create_connection(controller.server.sockets[0].getsockname()).close()
controller.start()
say(controller.server.sockets[0].getsockname()[1])
sys.stdin.read()
