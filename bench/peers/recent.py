"""Prints the ALB lines of packed files as if they had just been written: the last one 20 minutes ago.

Remote write takes no samples that are older than the receiver's window, and a server that starts with a window of
many days goes through all of it; data with a fixed day would measure how long ago that was.
"""

import gzip
import sys
from datetime import datetime, timedelta, timezone

AGE = timedelta(minutes=20)

lines = []
for path in sys.argv[1:]:
    with gzip.open(path, "rb") as file:
        lines.extend(file.read().splitlines())


def time_of(line):
    return datetime.fromisoformat(line.split(b" ", 2)[1].decode().replace("Z", "+00:00"))


def is_timed(line):
    try:
        return bool(time_of(line))
    except (IndexError, ValueError):
        return False


last = max(time_of(line) for line in lines if is_timed(line))
shift = datetime.now(timezone.utc) - AGE - last
for line in lines:
    if is_timed(line):
        kind, _, rest = line.split(b" ", 2)
        time = (time_of(line) + shift).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        line = b" ".join((kind, time, rest))
    sys.stdout.buffer.write(line + b"\n")
