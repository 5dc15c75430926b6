"""The design of the known Lambda function: gzip lines, one regular expression with 31 groups, three counters.

Usage: lambda_script.py FILE.gz...

The function pushes the text of the counters to a gateway; here the text is made and measured, not sent.
Paths become routes, without which the function's own labels would hold one series per id.
"""

import gzip
import re
import sys
from urllib.parse import urlparse

from prometheus_client import CollectorRegistry, Counter, generate_latest

from alb import ROUTE_ID, ROUTE_PATTERN

LINE = re.compile(
    r"([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*):([0-9]*) ([^ ]*)[:-]([0-9]*) ([-.0-9]*) ([-.0-9]*) ([-.0-9]*) "
    r"(|[-0-9]*) (-|[-0-9]*) ([-0-9]*) ([-0-9]*) \"([^ ]*) (.*) (- |[^ ]*)\" \"([^\"]*)\" ([A-Z0-9-_]+) "
    r"([A-Za-z0-9.-]*) ([^ ]*) \"([^\"]*)\" \"([^\"]*)\" \"([^\"]*)\" ([-.0-9]*) ([^ ]*) \"([^\"]*)\" "
    r"\"([^\"]*)\" \"([^ ]*)\" \"([^ ]*)\" \"([^ ]*)\""
)
TARGET_PROCESSING_TIME, ELB_STATUS, SENT_BYTES, METHOD, URL = 8, 10, 13, 14, 15
ROUTE = re.compile(ROUTE_PATTERN)
LABELS = ["host", "request_method", "status", "path"]


class Counters:
    """The three families of the function."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter("alb_requests", "Requests.", LABELS, registry=self.registry)
        self.bytes = Counter("alb_sent_bytes", "Bytes sent.", LABELS, registry=self.registry)
        self.seconds = Counter("alb_target_seconds", "Seconds of targets.", LABELS, registry=self.registry)

    def count(self, line):
        """Counts one line; whether it could be read."""
        match = LINE.match(line)
        if not match:
            return False
        fields = match.groups()
        try:
            url = urlparse(fields[URL])
        except ValueError:
            return False
        labels = (url.hostname, fields[METHOD], fields[ELB_STATUS], ROUTE.sub(ROUTE_ID, url.path))
        self.requests.labels(*labels).inc()
        self.bytes.labels(*labels).inc(float(fields[SENT_BYTES]))
        self.seconds.labels(*labels).inc(max(float(fields[TARGET_PROCESSING_TIME]), 0.0))
        return True


def main(paths):
    counters = Counters()
    counted = 0
    for path in paths:
        # The whole object at once, as the function does; bytes that are not UTF-8 would end it.
        with gzip.open(path, "rt", errors="replace") as file:
            counted += sum(map(counters.count, file.readlines()))
    text = generate_latest(counters.registry)
    print(f"lines={counted} text_bytes={len(text)}")


main(sys.argv[1:])
