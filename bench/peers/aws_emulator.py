"""S3 and SQS in memory, with the objects of a folder. It ends when standard input does.

On the first line of its output stands its port; then each line of input is done and answered with a line:

    put FOLDER   puts every file of the folder as an object, under a name as a load balancer has it
    queue NAME   makes a queue with a message for each object, as S3 sends them
    left NAME    answers with the number of messages that the queue still has, hidden ones included
"""

import json
import logging
import os
import sys
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
ACCOUNT = "123456789012"
BUCKET = "logs"
PREFIX = f"AWSLogs/{ACCOUNT}/elasticloadbalancing/{REGION}/2026/11/20/{ACCOUNT}_elasticloadbalancing_{REGION}"

# SQS takes this many messages at once.
BATCH = 10

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]


def client(service):
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


s3, sqs = client("s3"), client("sqs")
objects = []


def put(folder):
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for number, path in enumerate(sorted(Path(folder).iterdir())):
        minute = number % 288 * 5
        end = f"20261120T{minute // 60:02}{minute % 60:02}Z"
        key = f"{PREFIX}_app.shop.50dc6c495c0c9188_{end}_10.0.0.{number % 4 + 1}_{number:08x}.log.gz"
        body = path.read_bytes()
        tag = s3.put_object(Bucket=BUCKET, Key=key, Body=body)["ETag"].strip('"')
        objects.append((key, len(body), tag))


def notification(key, size, tag):
    item = {"key": key, "size": size, "eTag": tag, "sequencer": "0055AED6DCD90281E5"}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": "2026-11-20T10:20:07.123Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "weir",
            "bucket": {"name": BUCKET, "arn": f"arn:aws:s3:::{BUCKET}"},
            "object": item,
        },
    }
    return json.dumps({"Records": [record]})


def left(name):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(counts[name]) for name in names)


def queue(name):
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    for first in range(0, len(objects), BATCH):
        batch = objects[first : first + BATCH]
        entries = [{"Id": str(index), "MessageBody": notification(*item)} for index, item in enumerate(batch)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


print(port, flush=True)
for line in sys.stdin:
    command, argument = line.split(maxsplit=1)
    answer = {"put": put, "queue": queue, "left": left}[command](argument.strip())
    print("done" if answer is None else answer, flush=True)
os._exit(0)
