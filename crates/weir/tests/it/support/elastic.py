"""Writes with the official client of Elasticsearch or that of OpenSearch. Arguments: module, address, count.

Documents go by the bulk helpers and one by one; one of them is none, and its error is what is expected.
"""

import sys

module, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if module == "opensearchpy":
    from opensearchpy import OpenSearch as Client
    from opensearchpy import helpers
else:
    from elasticsearch import Elasticsearch as Client
    from elasticsearch import helpers

client = Client(address)
assert client.ping()
assert client.info()["tagline"] == "You Know, for Search"
assert client.cluster.health()["status"] == "green"


def documents(kind, operation):
    for number in range(count):
        yield {"_op_type": operation, "_index": f"{module}-{kind}", "_source": {
            "@timestamp": f"2026-11-20T10:15:{number % 60:02}.000Z",
            "message": f"client {kind}", "number": number, "user": {"email": "a@b.com"},
        }}


done, errors = helpers.bulk(client, documents("bulk", "index"))
assert (done, errors) == (count, []), errors
done, errors = helpers.bulk(client, documents("stream", "create"), chunk_size=7, refresh=True)
assert (done, errors) == (count, []), errors
parallel = helpers.parallel_bulk(client, documents("parallel", "index"), thread_count=3, chunk_size=11)
assert all(ok for ok, _ in parallel)

body = {"message": "client single"}
if module == "opensearchpy" or not hasattr(client, "options"):
    answer = client.index(index=f"{module}-single", body=body)
else:
    answer = client.index(index=f"{module}-single", document=body)
assert answer["result"] == "created" and answer["_id"]
client.indices.refresh(index=f"{module}-single")

done, errors = helpers.bulk(
    client, [{"_op_type": "delete", "_index": "a", "_id": "1"}], raise_on_error=False)
assert done == 0 and errors[0]["delete"]["status"] == 400, errors
