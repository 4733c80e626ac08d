"""Prints sigv4.json: requests to an API behind API Gateway, signed by botocore. Run it with tests/.venv/bin/python."""

import datetime
import json
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIME = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
HOST = "abcde12345.execute-api.eu-west-1.amazonaws.com"
KEYS = ["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/with+odd=characters=="]
BODY = json.dumps({"contentType": "image/png", "contentLength": 3, "filename": "Übersicht.png"}, ensure_ascii=False)
REQUESTS = [
    ("POST", "/guest/uploads", BODY),
    ("POST", "/guest/handovers", ""),
    ("GET", "/guest/labels", ""),
    ("GET", "/guest/images?label=Dog%20%26%20Cat&minFaces=2&emotion=Happy&limit=100", ""),
    ("GET", "/guest/images?label=caf%C3%A9%2B%25%27%28%2A%29~&cursor=c%2B%2F%3D&limit=100", ""),
    ("GET", "/guest/results/uploads/eu-west-1%213A0f0e9c3a/1.jpg", ""),
    ("DELETE", "/guest/images/uploads/a%20b%2Bc%C3%BCd%25e.png", ""),
    ("DELETE", "/guest/images/uploads/%28%27%2A%21%27%29~%3A%40%3D%26%24%2C.png", ""),
    ("GET", "/guest/results/uploads/%252F%2520.png", ""),
]


def sign(method, path, body):
    request = AWSRequest(method=method, url=f"https://{HOST}{path}", data=body.encode())
    signer = botocore.auth.SigV4Auth(Credentials(*KEYS), "execute-api", "eu-west-1")
    with mock.patch("botocore.auth.get_current_datetime", return_value=TIME):
        signer.add_auth(request)
    return {"method": method, "path": path, "body": body, "authorization": request.headers["Authorization"]}


print(json.dumps([sign(*request) for request in REQUESTS], indent=2, ensure_ascii=False))
