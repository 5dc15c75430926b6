"""Pushes with the client that most batch jobs have. Arguments: address, job, method, user, password, count.

The counter and the histogram get `count` requests, the gauge is `count`; the methods are those of the client.
"""

import sys

from prometheus_client import (
    CollectorRegistry, Counter, Gauge, Histogram, delete_from_gateway, push_to_gateway, pushadd_to_gateway,
)
from prometheus_client.exposition import basic_auth_handler

address, job, method, user, password, count = sys.argv[1:]


def handler(url, method, timeout, headers, data):
    if not user:
        from prometheus_client.exposition import default_handler
        return default_handler(url, method, timeout, headers, data)
    return basic_auth_handler(url, method, timeout, headers, data, user, password)


if method == "delete":
    delete_from_gateway(address, job=job, grouping_key={"path": "a/b"}, handler=handler)
    sys.exit()
registry = CollectorRegistry()
requests = Counter("app_requests", "Requests.", ["status"], registry=registry)
seconds = Histogram("app_seconds", "How long they took.", buckets=[0.1, 1], registry=registry)
last = Gauge("app_last", "The last one.", registry=registry)
for _ in range(int(count)):
    requests.labels("200").inc()
    seconds.observe(0.5)
last.set(int(count))
push = {"push": push_to_gateway, "add": pushadd_to_gateway}[method]
push(address, job=job, registry=registry, grouping_key={"path": "a/b"}, handler=handler)
