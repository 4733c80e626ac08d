"""The processor function's peak memory while it works, for bench/thumbnail.py.

The unmodified binary runs against a stand-in of Lambda's Runtime API and against `sightline local`, and gets pictures by
S3 events in SQS messages, as AWS would send them.
"""

import contextlib
import http.server
import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path

import boto3

INPUT, OUTPUT = "memory-input", "memory-output"


class Runtime(http.server.ThreadingHTTPServer):
    """Lambda's Runtime API: hands out events, one at a time, and takes answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.events, self.answers = queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """The function is killed while it waits for its next event, which is no error."""

    def invoke(self, event):
        self.events.put(json.dumps(event).encode())
        return self.answers.get(timeout=120)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        event = self.server.events.get()
        self.reply(
            200,
            event,
            Lambda_Runtime_Aws_Request_Id="bench",
            Lambda_Runtime_Deadline_Ms=str(int((time.time() + 60) * 1000)),
            Lambda_Runtime_Invoked_Function_Arn="arn:aws:lambda:us-east-1:000000000000:function:processor",
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.reply(202)
        self.server.answers.put((self.path.rsplit("/", 1)[-1], body))

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def local(program, folder):
    """`sightline local` on free ports; gives the environment of its clients."""
    ready = Path(folder, "ready.json")
    options = ["--data-dir", Path(folder, "data"), "--port", "0", "--aws-port", "0", "--ready-file", ready]
    with subprocess.Popen([program, "local", *options], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            while not ready.exists():
                if process.poll() is not None:
                    raise SystemExit("sightline local did not start")
                time.sleep(0.05)
            place = json.loads(ready.read_text())
            yield {
                "AWS_ENDPOINT_URL": place["aws"],
                "AWS_REGION": place["region"],
                "AWS_ACCESS_KEY_ID": place["accessKeyId"],
                "AWS_SECRET_ACCESS_KEY": place["secretAccessKey"],
            }
        finally:
            process.terminate()


def message(number, key, head):
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": INPUT},
            "object": {"key": key, "size": head["ContentLength"], "eTag": head["ETag"].strip('"'), "sequencer": "01"},
        },
    }
    return {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps({"Records": [record]})}


def peaks(sightline, processor, picture, folder):
    """Peak resident MiB of one process after its start, one picture, ten one by one, and ten in one batch."""
    runtime = Runtime()
    with local(sightline, folder) as environment:
        s3 = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )
        for bucket in (INPUT, OUTPUT):
            s3.create_bucket(Bucket=bucket)
        messages = []
        for number in range(21):
            key = f"uploads/{number}.jpg"
            s3.put_object(Bucket=INPUT, Key=key, Body=picture.read_bytes(), ContentType="image/jpeg")
            messages.append(message(number, key, s3.head_object(Bucket=INPUT, Key=key)))
        function = {
            "PATH": os.environ["PATH"],
            "INPUT_BUCKET": INPUT,
            "OUTPUT_BUCKET": OUTPUT,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "processor",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "MALLOC_MMAP_THRESHOLD_": "1048576",
            **environment,
        }
        log = Path(folder, "processor.log")
        with log.open("w") as output, subprocess.Popen([processor], env=function, stdout=output, stderr=output) as process:

            def peak():
                status = Path(f"/proc/{process.pid}/status").read_text()
                return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

            def handle(batch):
                answer = runtime.invoke({"Records": batch})
                if answer != ("response", b'{"batchItemFailures":[]}'):
                    raise SystemExit(f"the processor answered {answer}; its log ends:\n{log.read_text()[-2000:]}")

            try:
                handle([{"messageId": "none", "eventSource": "aws:sqs", "body": '{"Records":[]}'}])
                figures = {"start": peak()}
                handle(messages[:1])
                figures["one picture"] = peak()
                for one in messages[1:11]:
                    handle([one])
                figures["ten one by one"] = peak()
                handle(messages[11:])
                figures["ten in one batch"] = peak()
            finally:
                process.kill()
        documents = [
            json.loads(s3.get_object(Bucket=OUTPUT, Key=f"results/uploads/{number}.jpg.json")["Body"].read())
            for number in range(21)
        ]
        if any(document["status"] != "succeeded" or "thumbnail" not in document for document in documents):
            raise SystemExit("a picture has no thumbnail or no answer")
    return figures
