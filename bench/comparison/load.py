"""The local API under load, by wrk."""

import json
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from .figures import Line, Section
from .local_server import Local
from .paths import PICTURE

CONNECTIONS = (1, 8, 64)
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
POST = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{"contentType": "image/jpeg", "contentLength": 68052, "filename": "astronaut.jpg"}]]
"""


def section(programs, _, settings):
    seconds = max(1, round(4 * settings.scale))
    lines = []
    with tempfile.TemporaryDirectory() as folder, Local(programs.release / "sightline", folder) as local:
        local.load("throughput", settings.times(50))
        script = Path(folder, "post.lua")
        script.write_text(POST)
        requests = {
            "`POST /uploads`": (f"{local.api}/uploads", ["-s", script]),
            "`GET /results`": (results(local.api), []),
            "`GET /images`": (f"{local.api}/images?label=Person", []),
        }
        for name, (address, options) in requests.items():
            for connections in CONNECTIONS:
                found = wrk(address, connections, seconds, options)
                lines.append(Line(f"{name}, {connections} connection{'s' * (connections > 1)}",
                                  f"{found['perSecond']:,.0f} requests a second, p99 {found['p99']:.2f} ms"))
    text = (f"`sightline local`, release build, {settings.times(50)} pictures, {seconds} seconds each. wrk runs on the same cores. "
            "`GET /images` returns 50 pictures with the addresses of their thumbnails.")
    return Section("Local API under load", text, lines)


def results(api):
    """The address of a document."""
    content = PICTURE.read_bytes()
    ask = json.dumps({"contentType": "image/jpeg", "contentLength": len(content)}).encode()
    with urllib.request.urlopen(f"{api}/uploads", ask, timeout=60) as answer:
        reply = json.load(answer)
    put = urllib.request.Request(reply["uploadUrl"], content, reply["headers"], method="PUT")
    urllib.request.urlopen(put, timeout=60).close()
    for _ in range(600):
        with urllib.request.urlopen(reply["statusUrl"], timeout=60) as answer:
            if answer.status == 200:
                return urllib.parse.urljoin(api, reply["statusUrl"])
    raise SystemExit("bench/compare: there is no document of the uploaded picture")


def wrk(address, connections, seconds, options):
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", *options, address]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return read(done.stdout)


def read(report):
    """Requests a second and the 99th percentile in milliseconds, from wrk's report."""
    if "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(f"bench/compare: requests failed:\n{report}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", report)
    return {"perSecond": float(rate[1]), "p99": float(late[1]) * UNITS[late[2]]}
