"""Ordinary S3 clients upload a folder of 500 files with odd names and empty ones to a running `sightline local`.

    tests/.venv/bin/python tests/clients/sync.py READY.json [CLIENT...]

Each client first uploads 500 ordinary files of the same number of bytes. The awkward ones may take 1.5 times as long. Afterwards the
bucket has every name with its size. READY.json is the file of `sightline local --ready-file`. Clients that are not installed are named
and left out: aws (version 1, with boto3 in tests/.venv), rclone, s3cmd and restic (Debian packages), javascript (needs npm).
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

import boto3

COUNT = 500
SIZE = 4096
ODD = [
    "with space", "plus+sign", "per%cent", "100%25", "amp&ersand", "hash#tag", "what?", "a=b", "semi;colon", "comma,",
    "quote'", 'double"quote', "(round)", "[square]", "{curly}", "tilde~", "at@", "dollar$", "caret^", "back`tick", "pipe|",
    "colon:", "star*", "<angle>", "back\\slash", "umlaut äöüß", "日本語", "emoji 😀", "عربى", "e\u0301 decomposed",
    "..two dots", ".hidden", "ends with dot.", " leading space", "UPPER", "x" * 180,
]
SCRIPT = """
import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
import { readdirSync, readFileSync } from 'node:fs';
const [bucket, prefix, folder] = process.argv.slice(2);
const s3 = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true });
const names = readdirSync(folder);
const put = async () => {
  for (let name; (name = names.pop()) !== undefined;) {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${name}`, Body: readFileSync(`${folder}/${name}`) }));
  }
};
await Promise.all(Array.from({ length: 10 }, put));
"""


def make(folder: pathlib.Path, awkward: bool) -> dict[str, int]:
    folder.mkdir()
    files = {}
    for number in range(COUNT):
        # Every second awkward file is empty, the others are twice as long.
        size = (0 if number % 2 else 2 * SIZE) if awkward else SIZE
        name = f"{ODD[number % len(ODD)]} {number}" if awkward else f"file-{number:03}.bin"
        (folder / name).write_bytes(os.urandom(size))
        files[name] = size
    return files


class Clients:
    def __init__(self, ready: dict, scratch: pathlib.Path) -> None:
        self.ready = ready
        self.scratch = scratch
        # A certificate bundle of the environment confuses clients of plain HTTP.
        inherited = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        self.environment = inherited | {
            "AWS_ENDPOINT_URL": ready["aws"], "AWS_ACCESS_KEY_ID": ready["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": ready["secretAccessKey"], "AWS_REGION": ready["region"],
            "AWS_DEFAULT_REGION": ready["region"], "AWS_CONFIG_FILE": "/dev/null", "HOME": str(scratch),
        }
        self.bucket = ready["outputBucket"]
        self.s3 = boto3.client(
            "s3", endpoint_url=ready["aws"], aws_access_key_id=ready["accessKeyId"],
            aws_secret_access_key=ready["secretAccessKey"], region_name=ready["region"])

    def run(self, *command: object, **more: str) -> None:
        done = subprocess.run([str(part) for part in command], env=self.environment | more, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, cwd=self.scratch, timeout=600)
        assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}"

    def boto3(self, folder: pathlib.Path, prefix: str) -> None:
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            list(pool.map(lambda file: self.s3.upload_file(str(file), self.bucket, f"{prefix}/{file.name}"), folder.iterdir()))

    def aws(self, folder: pathlib.Path, prefix: str) -> None:
        program = pathlib.Path(sys.executable).parent / "aws"
        self.run(program, "s3", "sync", "--only-show-errors", folder, f"s3://{self.bucket}/{prefix}/")

    def rclone(self, folder: pathlib.Path, prefix: str) -> None:
        remote = f":s3,provider=Other,env_auth=true,force_path_style=true,region={self.ready['region']},endpoint='{self.ready['aws']}':"
        self.run("rclone", "sync", "--transfers", "10", folder, f"{remote}{self.bucket}/{prefix}")

    def s3cmd(self, folder: pathlib.Path, prefix: str) -> None:
        host = urllib.parse.urlsplit(self.ready["aws"]).netloc
        self.run("s3cmd", "--no-ssl", f"--host={host}", f"--host-bucket={host}", f"--access_key={self.ready['accessKeyId']}",
                 f"--secret_key={self.ready['secretAccessKey']}", f"--region={self.ready['region']}", "--quiet", "sync",
                 f"{folder}/", f"s3://{self.bucket}/{prefix}/")

    def restic(self, folder: pathlib.Path, prefix: str) -> None:
        at = {"RESTIC_REPOSITORY": f"s3:{self.ready['aws']}/{self.bucket}/{prefix}", "RESTIC_PASSWORD": "test"}
        self.run("restic", "init", **at)
        self.run("restic", "backup", "--quiet", folder, **at)
        restored = self.scratch / f"restored-{prefix}"
        self.run("restic", "restore", "--quiet", "latest", "--target", restored, **at)
        self.run("diff", "-r", folder, restored / folder.relative_to("/"))

    def javascript(self, folder: pathlib.Path, prefix: str) -> None:
        self.run("node", self.scratch / "put.mjs", self.bucket, prefix, folder)

    def available(self, name: str) -> bool:
        if name == "javascript":
            if not shutil.which("npm"):
                return False
            (self.scratch / "put.mjs").write_text(SCRIPT)
            self.run("npm", "install", "--silent", "--no-audit", "--no-fund", "@aws-sdk/client-s3")
            return True
        return name in ("boto3", "aws") or shutil.which(name) is not None

    def stored(self, prefix: str) -> dict[str, int]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{prefix}/")
        return {entry["Key"][len(prefix) + 1:]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def main() -> None:
    ready = json.loads(pathlib.Path(sys.argv[1]).read_text())
    names = sys.argv[2:] or ["boto3", "aws", "rclone", "s3cmd", "restic", "javascript"]
    failed = []
    print("| client | ordinary | awkward |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        clients = Clients(ready, pathlib.Path(scratch))
        sets = {}
        for awkward in (False, True):
            folder = clients.scratch / f"awkward-{awkward}"
            sets[awkward] = (folder, make(folder, awkward))
        for name in names:
            if not clients.available(name):
                print(f"| {name} | not installed | |")
                continue
            times = []
            for awkward, (folder, files) in sets.items():
                prefix = f"sync-{time.time_ns()}"
                began = time.monotonic()
                getattr(clients, name)(folder, prefix)
                times.append(time.monotonic() - began)
                if name != "restic" and clients.stored(prefix) != files:
                    missing = sorted(files.items() ^ clients.stored(prefix).items())[:5]
                    failed.append(f"{name}: the bucket differs from the folder: {missing}")
            print(f"| {name} | {times[0]:.1f} s | {times[1]:.1f} s |", flush=True)
            # Half a second is noise.
            if times[1] > 1.5 * times[0] + 0.5:
                failed.append(f"{name}: awkward files took {times[1]:.1f} s, ordinary ones {times[0]:.1f} s")
    assert not failed, "\n".join(failed)


if __name__ == "__main__":
    main()
