"""S3, SQS and SNS in memory, on a port of their own choice, which is printed.

They end when standard input does, and so with the process that started them, however that ends.
"""

import logging
import os
import sys

from moto.server import ThreadedMotoServer
from moto.sqs.models import SQSBackend

# A receive whose client was killed goes on waiting here and takes messages along, as AWS may do too. With the
# 20 seconds that clients ask for, nearly all messages would go that way when a client is killed each second.
WAIT_SECONDS_MAX = 0.2
receive_message = SQSBackend.receive_message


def receive_message_soon(self, queue_name, count, wait_seconds_timeout, *arguments, **keywords):
    wait_seconds_timeout = min(wait_seconds_timeout or 0, WAIT_SECONDS_MAX)
    return receive_message(self, queue_name, count, wait_seconds_timeout, *arguments, **keywords)


SQSBackend.receive_message = receive_message_soon
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
os._exit(0)
