#!/usr/bin/env python3
"""Measures the processor function's peak memory.

    tests/.venv/bin/python bench/processor.py [--runs N] [--programs FOLDER] [PICTURE ...]

The unmodified binary runs against a stub of Lambda's Runtime API and `sightline local`, and gets pictures as S3 events in SQS
messages, like on AWS. The table shows the peak of resident memory (VmHWM) of a process after its start, one picture, ten one by
one, and ten in one batch, in MiB: the minimum and maximum of all runs.

Without pictures, it generates five progressive JPEGs of 24 to 63 megapixels and uses them in turn. These take the most memory,
because all their coefficients are in memory at once. Without --programs it runs cargo build. The interpreter needs Pillow, NumPy
and boto3, as tests/run installs them in tests/.venv. bench/thumbnail.py uses this file for smaller pictures.
"""

import argparse
import contextlib
import http.server
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parent.parent
INPUT, OUTPUT = "memory-input", "memory-output"
# The function's memory in the stack (cdk/lib/processor.ts), which determines how many pictures it prepares at once.
FUNCTION_MIB = 1024

SIDES = [(6000, 4000), (7360, 4912), (8192, 5464), (9504, 6336), (9000, 7000)]
# Noise of all scales, as in landscapes, and a sensor's fine noise; below Rekognition's limit of 15 MB.
MAKE = """
import sys
import numpy as np
from PIL import Image
random = np.random.default_rng(7)
width, height = int(sys.argv[1]), int(sys.argv[2])
image = Image.new("RGB", (width, height))
for size, weight in [(2048, 1.0), (512, 0.5), (128, 0.3), (32, 0.15), (8, 0.08)]:
    noise = random.integers(0, 256, (height // size + 2, width // size + 2, 3), dtype=np.uint8)
    layer = Image.fromarray(noise).resize((width, height), Image.BICUBIC)
    image = layer if weight == 1.0 else Image.blend(image, layer, weight)
grain = Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).convert("RGB")
Image.blend(image, grain, 0.06).save(sys.argv[3], quality=85, progressive=True)
"""


class Runtime(http.server.ThreadingHTTPServer):
    """Lambda's Runtime API: sends events one at a time and receives responses."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.events, self.answers = queue.Queue(), queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """Ignores that the function is killed while it waits for an event."""

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
    """`sightline local` on free ports. Yields the environment for its clients."""
    ready = Path(folder, "ready.json")
    options = ["--data-dir", Path(folder, "data"), "--port", "0", "--aws-port", "0", "--ready-file", ready]
    with subprocess.Popen([program, "local", *options], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            while not ready.exists():
                if process.poll() is not None:
                    raise SystemExit("sightline local did not start")
                time.sleep(0.05)
            addresses = json.loads(ready.read_text())
            yield {
                "AWS_ENDPOINT_URL": addresses["aws"],
                "AWS_REGION": addresses["region"],
                "AWS_ACCESS_KEY_ID": addresses["accessKeyId"],
                "AWS_SECRET_ACCESS_KEY": addresses["secretAccessKey"],
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


def peaks(sightline, processor, pictures, folder):
    """Peak resident MiB of a process after its start, one picture, ten one by one, and ten in one batch."""
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
            s3.put_object(Bucket=INPUT, Key=key, Body=pictures[number % len(pictures)].read_bytes(), ContentType="image/jpeg")
            messages.append(message(number, key, s3.head_object(Bucket=INPUT, Key=key)))
        function = {
            "PATH": os.environ["PATH"],
            "INPUT_BUCKET": INPUT,
            "OUTPUT_BUCKET": OUTPUT,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "processor",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(FUNCTION_MIB),
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
                    raise SystemExit(f"the processor returned {answer}; its log ends with:\n{log.read_text()[-2000:]}")

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
        if any(document["status"] != "succeeded" or not {"thumbnail", "preview"} <= document.keys() for document in documents):
            raise SystemExit("a picture has no thumbnail or preview, or its analysis failed")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--programs", type=Path)
    parser.add_argument("pictures", nargs="*", type=Path)
    arguments = parser.parse_args()
    programs = arguments.programs
    if not programs:
        subprocess.run(["cargo", "build", "--quiet"], cwd=ROOT, check=True)
        programs = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "debug")
    with tempfile.TemporaryDirectory() as folder:
        pictures = arguments.pictures
        for width, height in SIDES if not pictures else []:
            pictures = [*pictures, Path(folder, f"{width}x{height}.jpg")]
            subprocess.run([sys.executable, "-c", MAKE, str(width), str(height), pictures[-1]], check=True)
        print(", ".join(f"{picture.name} ({picture.stat().st_size / 1e6:.1f} MB)" for picture in pictures))
        runs = []
        for number in range(arguments.runs):
            own = Path(folder, str(number))
            own.mkdir()
            runs.append(peaks(programs / "sightline", programs / "sightline-processor", pictures, own))
        print("\n| after | MiB |\n|---|---|")
        for name in runs[0]:
            lowest, highest = (round(bound(run[name] for run in runs)) for bound in (min, max))
            print(f"| {name} | {lowest if lowest == highest else f'{lowest} to {highest}'} |")


if __name__ == "__main__":
    main()
