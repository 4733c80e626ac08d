"""Tests S3 and Rekognition of the local endpoint with boto3, an independent client.

    python boto3_client.py API INPUT_BUCKET OUTPUT_BUCKET PICTURES

The usual AWS environment variables give endpoint and credentials. Tesseract must be installed, and the model of
`tests/models/colours.json` registered as "colours". Prints a line for each check and finally their number. The first failure ends
the run with a traceback.
"""

import hashlib
import http.client
import io
import json
import sys
import time
import urllib.parse
from pathlib import Path

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import ClientError

API, INPUT, OUTPUT, PICTURES = sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])
CAT = (PICTURES / "chelsea.png").read_bytes()
ASTRONAUT = (PICTURES / "astronaut.png").read_bytes()

s3 = boto3.client("s3", config=Config(signature_version="s3v4", retries={"max_attempts": 1}))
rekognition = boto3.client("rekognition", config=Config(retries={"max_attempts": 1}))
passed = 0


def check(what):
    """Runs the decorated function immediately and counts it."""

    def run(function):
        global passed
        function()
        passed += 1
        print("ok", what, flush=True)

    return run


def assert_error(code, status, call, *args, **kwargs):
    """The call must fail with this error code and HTTP status."""
    try:
        call(*args, **kwargs)
    except ClientError as error:
        got = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert got == (code, status), (got, error)
        return error.response["Error"]
    raise AssertionError(f"{call} did not fail with {code}")


def send(method, url, headers=None, body=b""):
    """A plain HTTP request without a signature and with the path unchanged."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.putrequest(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, skip_accept_encoding=True)
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    if method == "PUT":
        headers.setdefault("content-length", str(len(body)))
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def post(path, document):
    parts = urllib.parse.urlsplit(API)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request("POST", path, json.dumps(document))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def wait_for(key):
    """The result document of a source key, read from the output bucket."""
    for _ in range(600):
        try:
            return json.loads(s3.get_object(Bucket=OUTPUT, Key=f"results/{key}.json")["Body"].read())
        except s3.exceptions.NoSuchKey:
            time.sleep(0.1)
    raise AssertionError(f"no result for {key}")


# --- objects ----------------------------------------------------------------------------------------------

KEYS = [
    "plain.bin",
    "with spaces and+plus.bin",
    "100%25 %41.bin",
    "ünï/çødé/猫🐈.bin",
    "../../escape.bin",
    "a/../b/./c.bin",
    "a//b.bin",
    "a",
    "a/b",
    "quote'\"<>&;?#=.bin",
    "trailing/",
    "x" * 1024,
]


@check("put, head, get and delete with every kind of key")
def _():
    for number, key in enumerate(KEYS):
        body = f"{number}:{key}".encode()
        put = s3.put_object(Bucket=OUTPUT, Key=key, Body=body, ContentType="application/x-test", Metadata={"number": str(number)})
        assert put["ETag"].strip('"') == hashlib.md5(body).hexdigest()
    for number, key in enumerate(KEYS):
        head = s3.head_object(Bucket=OUTPUT, Key=key)
        assert head["ContentType"] == "application/x-test" and head["Metadata"] == {"number": str(number)}
        assert s3.get_object(Bucket=OUTPUT, Key=key)["Body"].read() == f"{number}:{key}".encode()
    listed = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket=OUTPUT, PaginationConfig={"PageSize": 5}) for item in page.get("Contents", [])]
    assert listed == sorted(KEYS, key=lambda key: key.encode()), listed
    for key in KEYS[::2]:
        s3.delete_object(Bucket=OUTPUT, Key=key)
        assert_error("NoSuchKey", 404, s3.get_object, Bucket=OUTPUT, Key=key)
    gone = s3.delete_objects(Bucket=OUTPUT, Delete={"Objects": [{"Key": key} for key in KEYS]})
    assert len(gone["Deleted"]) == len(KEYS) and "Errors" not in gone
    assert s3.list_objects_v2(Bucket=OUTPUT)["KeyCount"] == 0


@check("a key over 1,024 bytes is rejected")
def _():
    assert_error("KeyTooLongError", 400, s3.put_object, Bucket=OUTPUT, Key="x" * 1025, Body=b"")


@check("list with prefix, delimiter and start-after")
def _():
    for key in ["l/a/1", "l/a/2", "l/b/1", "l/c", "l/d"]:
        s3.put_object(Bucket=OUTPUT, Key=key, Body=b"x")
    page = s3.list_objects_v2(Bucket=OUTPUT, Prefix="l/", Delimiter="/")
    assert [item["Prefix"] for item in page["CommonPrefixes"]] == ["l/a/", "l/b/"]
    assert [item["Key"] for item in page["Contents"]] == ["l/c", "l/d"]
    page = s3.list_objects_v2(Bucket=OUTPUT, Prefix="l/", StartAfter="l/b/1")
    assert [item["Key"] for item in page["Contents"]] == ["l/c", "l/d"]
    page = s3.list_objects(Bucket=OUTPUT, Prefix="l/", MaxKeys=2)
    assert page["IsTruncated"] and len(page["Contents"]) == 2


@check("ranges and conditions")
def _():
    etag = s3.put_object(Bucket=OUTPUT, Key="range", Body=b"0123456789")["ETag"]
    part = s3.get_object(Bucket=OUTPUT, Key="range", Range="bytes=2-4")
    assert part["Body"].read() == b"234" and part["ContentRange"] == "bytes 2-4/10"
    assert s3.get_object(Bucket=OUTPUT, Key="range", Range="bytes=-3")["Body"].read() == b"789"
    assert_error("InvalidRange", 416, s3.get_object, Bucket=OUTPUT, Key="range", Range="bytes=10-")
    assert_error("304", 304, s3.get_object, Bucket=OUTPUT, Key="range", IfNoneMatch=etag)
    assert_error("PreconditionFailed", 412, s3.get_object, Bucket=OUTPUT, Key="range", IfMatch='"other"')
    assert_error("PreconditionFailed", 412, s3.put_object, Bucket=OUTPUT, Key="range", Body=b"", IfNoneMatch="*")
    assert_error("PreconditionFailed", 412, s3.put_object, Bucket=OUTPUT, Key="range", Body=b"", IfMatch='"other"')
    s3.put_object(Bucket=OUTPUT, Key="range", Body=b"new", IfMatch=etag)
    assert s3.get_object(Bucket=OUTPUT, Key="range")["Body"].read() == b"new"


@check("copy keeps or replaces metadata")
def _():
    s3.put_object(Bucket=OUTPUT, Key="from +1", Body=b"copy me", Metadata={"a": "1"}, ContentType="text/x-a")
    s3.copy_object(Bucket=OUTPUT, Key="to", CopySource={"Bucket": OUTPUT, "Key": "from +1"})
    head = s3.head_object(Bucket=OUTPUT, Key="to")
    assert head["Metadata"] == {"a": "1"} and head["ContentType"] == "text/x-a" and head["ContentLength"] == 7
    s3.copy_object(Bucket=OUTPUT, Key="to", CopySource={"Bucket": OUTPUT, "Key": "from +1"}, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert s3.head_object(Bucket=OUTPUT, Key="to")["Metadata"] == {"b": "2"}
    assert_error("NoSuchKey", 404, s3.copy_object, Bucket=OUTPUT, Key="to", CopySource={"Bucket": OUTPUT, "Key": "nowhere"})


@check("multipart upload, by the transfer manager and by hand")
def _():
    big = bytes(range(256)) * (12 * 4096)
    s3.upload_fileobj(io.BytesIO(big), OUTPUT, "big", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    head = s3.head_object(Bucket=OUTPUT, Key="big")
    assert head["ContentLength"] == len(big) and head["ETag"].endswith('-3"'), head["ETag"]
    assert s3.get_object(Bucket=OUTPUT, Key="big")["Body"].read() == big
    upload = s3.create_multipart_upload(Bucket=OUTPUT, Key="parts", Metadata={"made": "by-hand"})["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(Bucket=OUTPUT, Key="parts", UploadId=upload, PartNumber=number, Body=body)["ETag"]}
        for number, body in [(1, b"a" * (5 << 20)), (2, b"the end")]
    ]
    assert len(s3.list_parts(Bucket=OUTPUT, Key="parts", UploadId=upload)["Parts"]) == 2
    assert_error("NoSuchKey", 404, s3.get_object, Bucket=OUTPUT, Key="parts")
    assert_error("InvalidPart", 400, s3.complete_multipart_upload, Bucket=OUTPUT, Key="parts", UploadId=upload, MultipartUpload={"Parts": [parts[0], {"PartNumber": 2, "ETag": '"wrong"'}]})
    s3.complete_multipart_upload(Bucket=OUTPUT, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    head = s3.head_object(Bucket=OUTPUT, Key="parts")
    assert head["ContentLength"] == (5 << 20) + 7 and head["Metadata"] == {"made": "by-hand"}
    abort = s3.create_multipart_upload(Bucket=OUTPUT, Key="never")["UploadId"]
    s3.abort_multipart_upload(Bucket=OUTPUT, Key="never", UploadId=abort)
    assert_error("NoSuchUpload", 404, s3.upload_part, Bucket=OUTPUT, Key="never", UploadId=abort, PartNumber=1, Body=b"x")


@check("a wrong checksum stores nothing")
def _():
    assert_error("BadDigest", 400, s3.put_object, Bucket=OUTPUT, Key="bad", Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    for name, value in [("ChecksumSHA256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), ("ChecksumCRC32", "AAAAAA==")]:
        try:
            s3.put_object(Bucket=OUTPUT, Key="bad", Body=b"x", **{name: value})
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400, error
        else:
            raise AssertionError(f"a wrong {name} was accepted")
    assert_error("NoSuchKey", 404, s3.get_object, Bucket=OUTPUT, Key="bad")
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]:
        put = s3.put_object(Bucket=OUTPUT, Key="sums", Body=b"sum me", ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=OUTPUT, Key="sums", ChecksumMode="ENABLED")
        assert head[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]


@check("unknown buckets, wrong secrets and unknown access keys are rejected")
def _():
    assert_error("NoSuchBucket", 404, s3.put_object, Bucket="no-such-bucket", Key="x", Body=b"")
    stranger = boto3.client("s3", aws_access_key_id="AKIDSTRANGER", aws_secret_access_key="x", config=Config(retries={"max_attempts": 1}))
    assert_error("InvalidAccessKeyId", 403, stranger.list_objects_v2, Bucket=OUTPUT)
    credentials = boto3.Session().get_credentials()
    forger = boto3.client("s3", aws_access_key_id=credentials.access_key, aws_secret_access_key="forged", config=Config(retries={"max_attempts": 1}))
    assert_error("SignatureDoesNotMatch", 403, forger.put_object, Bucket=OUTPUT, Key="forged", Body=b"x")
    assert_error("NoSuchKey", 404, s3.get_object, Bucket=OUTPUT, Key="forged")
    status, body = send("GET", f"{s3.meta.endpoint_url}/{OUTPUT}/range")
    assert status == 403 and b"AccessDenied" in body, (status, body)


@check("versions: botocore's listing, delete markers, restoring, and deleting them all")
def _():
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket="versioned")["Status"] == "Enabled"
    first = s3.put_object(Bucket="versioned", Key="a b", Body=CAT)["VersionId"]
    second = s3.put_object(Bucket="versioned", Key="a b", Body=ASTRONAUT)["VersionId"]
    assert s3.get_object(Bucket="versioned", Key="a b", VersionId=first)["Body"].read() == CAT
    marker = s3.delete_object(Bucket="versioned", Key="a b")
    assert marker["DeleteMarker"]
    assert_error("NoSuchKey", 404, s3.get_object, Bucket="versioned", Key="a b")
    assert_error("MethodNotAllowed", 405, s3.get_object, Bucket="versioned", Key="a b", VersionId=marker["VersionId"])
    listed = s3.list_object_versions(Bucket="versioned")
    assert [version["VersionId"] for version in listed["Versions"]] == [second, first], listed
    assert [entry["IsLatest"] for entry in listed["DeleteMarkers"]] == [True], listed
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "versioned", "Key": "a b", "VersionId": first})
    assert send("GET", url) == (200, CAT)
    s3.copy_object(Bucket="versioned", Key="a b", CopySource={"Bucket": "versioned", "Key": "a b", "VersionId": first})
    assert s3.get_object(Bucket="versioned", Key="a b")["Body"].read() == CAT
    labels = {
        version: rekognition.detect_labels(Image={"S3Object": {"Bucket": "versioned", "Name": "a b", "Version": version}})["Labels"]
        for version in (first, second)
    }
    assert labels[first] != labels[second]
    assert_error(
        "InvalidS3ObjectException", 400, rekognition.detect_labels,
        Image={"S3Object": {"Bucket": "versioned", "Name": "a b", "Version": marker["VersionId"]}},
    )
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="versioned", PaginationConfig={"PageSize": 1}))
    assert len(pages) == 4
    boto3.resource("s3").Bucket("versioned").object_versions.delete()
    s3.delete_bucket(Bucket="versioned")


# --- presigned URLs ---------------------------------------------------------------------------------------


@check("presigned PUT and GET")
def _():
    url = s3.generate_presigned_url("put_object", Params={"Bucket": OUTPUT, "Key": "signed +é.txt", "ContentType": "text/plain"}, ExpiresIn=60)
    status, body = send("PUT", url, {"content-type": "text/plain"}, b"by address")
    assert status == 200, (status, body)
    get = s3.generate_presigned_url("get_object", Params={"Bucket": OUTPUT, "Key": "signed +é.txt"}, ExpiresIn=60)
    assert send("GET", get) == (200, b"by address")
    status, body = send("PUT", url, {"content-type": "text/html"}, b"by address")
    assert status == 403 and b"SignatureDoesNotMatch" in body, (status, body)
    status, body = send("GET", get.replace("signed", "sighed"))
    assert status == 403 and b"SignatureDoesNotMatch" in body, (status, body)
    status, body = send("PUT", url, {"content-type": "text/plain", "x-amz-meta-sneaked": "in"}, b"by address")
    assert status == 403, (status, body)


@check("an expired URL is rejected")
def _():
    url = s3.generate_presigned_url("get_object", Params={"Bucket": OUTPUT, "Key": "range"}, ExpiresIn=1)
    time.sleep(2.5)
    status, body = send("GET", url)
    assert status == 403 and b"AccessDenied" in body, (status, body)


@check("an upload URL accepts exactly the signed request, once")
def _():
    sha256 = hashlib.sha256(CAT).hexdigest()
    status, reply = post("/uploads", {"contentType": "image/png", "contentLength": len(CAT), "filename": "Käthe +1.png", "sha256": sha256, "analyses": ["labels"]})
    assert status == 201, reply
    url, headers = reply["uploadUrl"], reply["headers"]
    signed = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")
    assert sorted(signed) == sorted([*headers, "host"]), (signed, headers)

    def attempt(expected, body=CAT, **changes):
        changed = dict(headers)
        for name, value in changes.items():
            name = name.replace("_", "-")
            changed.pop(name, None)
            if value is not None:
                changed[name] = value
        status, answer = send("PUT", url, changed, body)
        assert status == expected, (status, answer, changes)

    attempt(403, content_type="image/jpeg")
    attempt(403, body=CAT[:-1], content_length=str(len(CAT) - 1))
    attempt(403, body=CAT + b"!", content_length=str(len(CAT) + 1))
    attempt(403, if_none_match=None)
    attempt(403, x_amz_meta_analyses="labels,faces")
    attempt(403, x_amz_meta_extra="unsigned")
    attempt(400, body=CAT[::-1])  # the right length but other content; the SHA-256 is signed
    assert_error("404", 404, s3.head_object, Bucket=INPUT, Key=reply["key"])
    attempt(200)
    attempt(412)
    document = wait_for(reply["key"])
    assert document["status"] == "succeeded", document
    assert document["source"]["filename"] == "Käthe +1.png" and document["source"]["sha256"] == sha256
    assert document["analyses"] == ["labels"]
    got = send("GET", reply["resultUrl"])
    assert got[0] == 200 and json.loads(got[1]) == document


# --- which objects trigger an analysis ----------------------------------------------------------------------


@check("every way to put an object, and every kind of key, leads to a result")
def _():
    keys = ["uploads/one +%41.png", "uploads/ü 猫.png", "uploads/../up.png", "uploads//double.png", "uploads/" + "k" * 900 + ".png"]
    for key in keys:
        s3.put_object(Bucket=INPUT, Key=key, Body=CAT, ContentType="image/png")
    s3.copy_object(Bucket=INPUT, Key="uploads/copied.png", CopySource={"Bucket": INPUT, "Key": keys[0]})
    s3.upload_fileobj(io.BytesIO(ASTRONAUT), INPUT, "uploads/streamed.png", Config=TransferConfig(multipart_threshold=1, multipart_chunksize=5 << 20))
    s3.put_object(Bucket=INPUT, Key="elsewhere/cat.png", Body=CAT, ContentType="image/png")
    for key in [*keys, "uploads/copied.png", "uploads/streamed.png"]:
        document = wait_for(key)
        assert document["status"] == "succeeded" and document["source"]["key"] == key, document
    assert_error("NoSuchKey", 404, s3.get_object, Bucket=OUTPUT, Key="results/elsewhere/cat.png.json")


@check("a replaced picture gets a new answer")
def _():
    key = "uploads/replaced.png"
    s3.put_object(Bucket=INPUT, Key=key, Body=CAT, ContentType="image/png")
    first = wait_for(key)
    etag = s3.put_object(Bucket=INPUT, Key=key, Body=ASTRONAUT, ContentType="image/png")["ETag"].strip('"')
    for _ in range(300):
        document = wait_for(key)
        if document["source"]["eTag"] == etag:
            break
        time.sleep(0.1)
    assert document["source"]["eTag"] == etag and document["source"]["sequencer"] > first["source"]["sequencer"]
    assert "Person" in document["summary"]["labels"]


# --- Rekognition ------------------------------------------------------------------------------------------

raw = {}
for operation in ["DetectLabels", "DetectText", "DetectCustomLabels"]:
    rekognition.meta.events.register(f"before-parse.rekognition.{operation}", lambda response_dict, **_: raw.update(body=response_dict["body"]))


def same(wire, parsed, path="$"):
    """Everything on the wire is in what botocore parsed, with the same value."""
    if isinstance(wire, dict):
        for name, value in wire.items():
            assert name in parsed, f"botocore does not know {path}.{name}"
            same(value, parsed[name], f"{path}.{name}")
    elif isinstance(wire, list):
        assert len(wire) == len(parsed), path
        for number, (a, b) in enumerate(zip(wire, parsed)):
            same(a, b, f"{path}[{number}]")
    else:
        assert wire == parsed and type(wire) is type(parsed), (path, wire, parsed)


@check("detect_labels with bytes: botocore parses every member")
def _():
    answer = rekognition.detect_labels(Image={"Bytes": ASTRONAUT}, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
    same(json.loads(raw["body"]), answer)
    person = next(label for label in answer["Labels"] if label["Name"] == "Person")
    assert person["Instances"] and person["Categories"] and isinstance(person["Aliases"], list)
    properties = answer["ImageProperties"]
    assert {"Quality", "DominantColors", "Foreground", "Background"} <= properties.keys()
    assert 0 < len(properties["DominantColors"]) <= 10
    assert "ImageProperties" not in rekognition.detect_labels(Image={"Bytes": ASTRONAUT})


@check("detect_labels with an object, filters and limits")
def _():
    image = {"S3Object": {"Bucket": INPUT, "Name": "uploads/streamed.png"}}
    everything = rekognition.detect_labels(Image=image, MinConfidence=0)["Labels"]
    confidences = [label["Confidence"] for label in everything]
    assert confidences == sorted(confidences, reverse=True)
    assert len(rekognition.detect_labels(Image=image, MaxLabels=1)["Labels"]) == 1
    assert all(label["Confidence"] >= 80 for label in rekognition.detect_labels(Image=image, MinConfidence=80)["Labels"])
    only = rekognition.detect_labels(Image=image, Settings={"GeneralLabels": {"LabelInclusionFilters": ["Person"]}})["Labels"]
    assert [label["Name"] for label in only] == ["Person"]
    without = rekognition.detect_labels(Image=image, Settings={"GeneralLabels": {"LabelExclusionFilters": ["Person"]}})["Labels"]
    assert "Person" not in [label["Name"] for label in without]


@check("detect_text: botocore parses every member; words are within their lines")
def _():
    page = (PICTURES / "page.png").read_bytes()
    answer = rekognition.detect_text(Image={"Bytes": page})
    same(json.loads(raw["body"]), answer)
    assert answer["TextModelVersion"].startswith("tesseract-")
    found = answer["TextDetections"]
    assert [detection["Id"] for detection in found] == list(range(len(found)))
    lines = {detection["Id"]: detection for detection in found if detection["Type"] == "LINE"}
    words = [detection for detection in found if detection["Type"] == "WORD"]
    assert sorted(lines) == list(range(len(lines))) and 0 < len(words) <= 100
    for word in words:
        line = lines[word["ParentId"]]
        assert word["DetectedText"] in line["DetectedText"].split() and word["Confidence"] >= 80
        inner, outer = word["Geometry"]["BoundingBox"], line["Geometry"]["BoundingBox"]
        assert outer["Left"] <= inner["Left"] and outer["Top"] <= inner["Top"]
        assert len(word["Geometry"]["Polygon"]) == 4
    assert any("markers of the coins" in line["DetectedText"] for line in lines.values()), lines
    # A region of interest finds the words inside it and no others.
    word = next(word for word in words if word["DetectedText"] == "segmentation")
    box = word["Geometry"]["BoundingBox"]
    here = rekognition.detect_text(Image={"Bytes": page}, Filters={"RegionsOfInterest": [{"BoundingBox": box}]})["TextDetections"]
    assert [detection["DetectedText"] for detection in here] == ["segmentation"] * 2, here
    below = {"Left": 0, "Top": box["Top"] + box["Height"], "Width": 1, "Height": 1 - box["Top"] - box["Height"]}
    there = rekognition.detect_text(Image={"Bytes": page}, Filters={"RegionsOfInterest": [{"BoundingBox": below}]})["TextDetections"]
    assert there and "segmentation" not in [detection["DetectedText"] for detection in there]
    sure = rekognition.detect_text(Image={"Bytes": page}, Filters={"WordFilter": {"MinConfidence": 95}})["TextDetections"]
    assert 0 < len(sure) < len(found) and all(detection["Confidence"] >= 95 for detection in sure)


@check("detect_custom_labels: a registered model responds, an unknown one is not found")
def _():
    arn = "arn:aws:rekognition:us-east-1:000000000000:project/{0}/version/{0}.local/0"
    answer = rekognition.detect_custom_labels(ProjectVersionArn=arn.format("colours"), Image={"Bytes": CAT})
    same(json.loads(raw["body"]), answer)
    assert [label["Name"] for label in answer["CustomLabels"]] == ["Red"], answer
    everything = rekognition.detect_custom_labels(ProjectVersionArn=arn.format("colours"), Image={"Bytes": CAT}, MinConfidence=0)["CustomLabels"]
    confidences = [label["Confidence"] for label in everything]
    assert confidences == sorted(confidences, reverse=True) and abs(sum(confidences) - 100) < 0.01
    error = assert_error("ResourceNotFoundException", 400, rekognition.detect_custom_labels, ProjectVersionArn=arn.format("other"), Image={"Bytes": CAT})
    assert arn.format("other") in error["Message"]


@check("Rekognition's errors")
def _():
    assert_error("InvalidS3ObjectException", 400, rekognition.detect_labels, Image={"S3Object": {"Bucket": INPUT, "Name": "nowhere.png"}})
    assert_error("InvalidImageFormatException", 400, rekognition.detect_labels, Image={"Bytes": b"not a picture"})
    forger = boto3.client("rekognition", aws_secret_access_key="forged", aws_access_key_id=boto3.Session().get_credentials().access_key, config=Config(retries={"max_attempts": 1}))
    assert_error("InvalidSignatureException", 400, forger.detect_labels, Image={"Bytes": CAT})
    stranger = boto3.client("rekognition", aws_access_key_id="AKIDSTRANGER", aws_secret_access_key="x", config=Config(retries={"max_attempts": 1}))
    assert_error("UnrecognizedClientException", 400, stranger.detect_labels, Image={"Bytes": CAT})
    for name, call in [
        ("DetectFaces", rekognition.detect_faces),
        ("DetectModerationLabels", rekognition.detect_moderation_labels),
        ("RecognizeCelebrities", rekognition.recognize_celebrities),
        ("DetectProtectiveEquipment", rekognition.detect_protective_equipment),
    ]:
        try:
            call(Image={"Bytes": ASTRONAUT})
        except ClientError as error:
            assert name in error.response["Error"]["Message"], error
        else:
            raise AssertionError(f"{name} returned a response")


print(f"{passed} checks passed")
