"""The stand-in for AWS and Lambda's Runtime API (bench/programs/standin), and functions that run against it."""

import json
import subprocess
from pathlib import Path

from . import process
from .labels import labels
from .paths import PICTURE

INPUT, OUTPUT = "bench-input", "bench-output"
SYSTEM_ROOTS = [Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"), Path("/etc/ssl/cert.pem")]


class StandIn:
    """A running stand-in. All of its files are in one folder."""

    def __init__(self, program, folder):
        self.folder = Path(folder)
        self.roots = certificates(self.folder)
        answer = self.folder / "labels.json"
        answer.write_text(json.dumps(labels()))
        self.process = subprocess.Popen(
            [program, self.folder / "server.pem", self.folder / "server.key", answer],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.ports = self.ask("ports")
        self.pictures = {}
        self.add("astronaut", PICTURE)

    def ask(self, order, **arguments):
        self.process.stdin.write(json.dumps({"do": order, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the stand-in ended"}
        if "error" in answer:
            logs = sorted(self.folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
            tail = logs[-1].read_text(errors="replace")[-2000:] if logs else ""
            raise SystemExit(f"bench/compare: {answer['error']}\n{tail}")
        return answer

    def add(self, name, file):
        """Puts a picture under all keys `uploads/<name>/…`."""
        self.pictures[name] = self.ask("picture", name=name, file=str(file))

    def rekognition(self, ms):
        self.ask("rekognition", ms=ms)

    def environment(self, tls):
        """What a function on Lambda has in its environment, with the addresses of the stand-in in place of AWS's."""
        scheme = "https" if tls else "http"
        endpoints = {f"AWS_ENDPOINT_URL_{one['service']}": f"{scheme}://127.0.0.1:{one[scheme]}" for one in self.ports}
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "ASIABENCHBENCHBENCH0",
            "AWS_SECRET_ACCESS_KEY": "bench/bench/bench/bench/bench/bench/bench",
            "AWS_SESSION_TOKEN": "bench" * 100,
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
            "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "MALLOC_MMAP_THRESHOLD_": "1048576",
            "RUST_LOG": "info",
            "INPUT_BUCKET": INPUT,
            "OUTPUT_BUCKET": OUTPUT,
            # As on AWS, all of the system's certificates are read, and one of them is right.
            "SSL_CERT_FILE": str(self.roots),
            "AWS_CA_BUNDLE": str(self.roots),
            **endpoints,
        }

    def start(self, contender, tls=True, event=None, name=None):
        """Starts a function. With an event, waits for its answer too."""
        name = name or contender.name
        log = self.folder / f"{name.replace(' ', '-').replace('/', '-')}.log"
        environment = {**self.environment(tls), **contender.environment}
        start = self.ask("start", name=name, command=contender.command, environment=environment, log=str(log), event=event)
        return Function(self, name, log, start)

    def written(self, function, event, path):
        """What a function writes under the path for one event; `{n}` in both is the same number."""
        number = self.ask("invoke", name=function.name, event=event, times=1)["number"]
        return self.ask("object", path=f"{OUTPUT}/{path.replace('{n}', str(number))}")["text"]

    def calls(self):
        """The calls since the last time, by operation."""
        return self.ask("calls")

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Function:
    """A running function."""

    def __init__(self, standin, name, log, start):
        self.standin, self.name, self.log = standin, name, log
        self.process = start["process"]
        self.first_poll, self.first_answer = start["firstPollMs"], start["firstAnswerMs"]

    def invoke(self, event, times=1):
        """The milliseconds that each invocation took."""
        return self.standin.ask("invoke", name=self.name, event=event, times=times)["ms"]

    def processor_ms(self):
        return process.processor_ms(self.process)

    def memory(self, field):
        return process.memory(self.process, field)

    def stop(self):
        self.standin.ask("stop", name=self.name)


def certificates(folder):
    """Makes an authority and a certificate for 127.0.0.1 (RSA, like most of AWS's). Returns the file with all roots."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    (folder / "server.ext").write_text(
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench authority",
            "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial",
            "-days", "2", "-extfile", "server.ext", "-out", "server.pem")
    system = next((file.read_text() for file in SYSTEM_ROOTS if file.exists()), "")
    roots = folder / "roots.pem"
    roots.write_text(system + (folder / "authority.pem").read_text())
    return roots
