"""The functions that are compared, and the events they get."""

import json
import sys
from dataclasses import dataclass, field

from .paths import BENCH
from .standin import INPUT


@dataclass(frozen=True)
class Contender:
    """A function: its name in the results, and how it is started."""

    name: str
    command: list
    environment: dict = field(default_factory=dict)


PLAIN = {"THUMBNAIL_PX": "0", "PREVIEW_PX": "0"}
THUMBNAIL = {"THUMBNAIL_PX": "320", "PREVIEW_PX": "0"}


def processor(programs, name="processor", **environment):
    """The product's processor; without settings, neither thumbnail nor preview."""
    return Contender(name, [str(programs.functions / "sightline-processor")], environment or PLAIN)


def upload_api(programs):
    return Contender("upload-api", [str(programs.functions / "sightline-upload-api")], {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})


def floor(programs):
    return Contender("empty function", [str(programs.floor)], {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})


def python(handler, name, **environment):
    """A handler of bench/peers under AWS's runtime for Python."""
    peers = str(BENCH / "peers")
    own = {"LAMBDA_TASK_ROOT": peers, "PYTHONPATH": peers, "_HANDLER": handler}
    return Contender(name, [sys.executable, "-m", "awslambdaric", handler], {**own, **environment})


def python_processor(name="Python", **environment):
    return python("picture_labels.handler", name, **environment)


def python_presign():
    return python("presigned_put.handler", "Python presign")


def pictures(standin, count=1, picture="astronaut"):
    """Messages of SQS with the events of S3 for new pictures. The stand-in replaces `{n}` by a new number for each invocation."""
    return {"Records": [message(standin.pictures[picture], f"uploads/{picture}/{{n}}-{number}.jpg", number) for number in range(count)]}


def check(standin, function, members=(), picture="astronaut"):
    """Lets the processor work on a picture. Ends the program unless the document has succeeded and has these members: nothing else is
    worth measuring."""
    document = json.loads(standin.written(function, pictures(standin, 1, picture), f"results/uploads/{picture}/{{n}}-0.jpg.json"))
    if document["status"] != "succeeded" or not {"rekognition", *members} <= document.keys():
        raise SystemExit(f"bench/compare: {function.name} wrote an unexpected document:\n{json.dumps(document, indent=1)}")


def message(stored, key, number):
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": INPUT},
            "object": {"key": key, "size": stored["size"], "eTag": stored["eTag"], "sequencer": "0055AED6DCD90281E5"},
        },
    }
    return {
        "messageId": f"059f36b4-87a3-44ab-83d2-66197504{number:04}",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000"},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:bench",
        "awsRegion": "us-east-1",
        "body": json.dumps({"Records": [record]}),
    }


def upload_request():
    """`POST /uploads` as an HTTP API sends it (payload 2.0)."""
    domain = "abc.execute-api.us-east-1.amazonaws.com"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/uploads",
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": domain,
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-5eb33c07-de25b420912dee103a5db434",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": domain,
            "domainPrefix": "abc",
            "http": {"method": "POST", "path": "/uploads", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl/8.7.1"},
            "requestId": "QQCtFipSIAMEPNQ=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "body": json.dumps({"contentType": "image/jpeg", "contentLength": 68052, "filename": "astronaut.jpg"}),
        "isBase64Encoded": False,
    }
