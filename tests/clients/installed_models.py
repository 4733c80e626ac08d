"""Calls every Rekognition operation of the local endpoint with boto3, with all models of `sightline models` installed.

    python installed_models.py INPUT_BUCKET PICTURES

The usual AWS environment variables give endpoint and credentials. Prints a line for each check and finally their number. The first
failure ends the run with a traceback.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

INPUT, PICTURES = sys.argv[1], Path(sys.argv[2])
NAMES = ["astronaut.png", "chelsea.png", "page.png"]
BYTES = {name: (PICTURES / name).read_bytes() for name in NAMES}
LABELS = {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}
CALLS = {
    "detect_labels": LABELS,
    "detect_faces": {"Attributes": ["ALL"]},
    "detect_moderation_labels": {},
    "detect_text": {},
}
# One version of the base model each: Rekognition's member for it.
VERSIONS = {"detect_labels": "LabelModelVersion", "detect_moderation_labels": "ModerationModelVersion", "detect_text": "TextModelVersion"}

s3 = boto3.client("s3")
passed = 0


def check(what):
    """Runs the decorated function immediately and counts it."""

    def run(function):
        global passed
        function()
        passed += 1
        print("ok", what, flush=True)

    return run


def client():
    """A client and the body of its last answer. Threads need one each."""
    made, last = boto3.client("rekognition", config=Config(retries={"max_attempts": 1}, read_timeout=300)), {}
    made.meta.events.register("before-parse.rekognition", lambda response_dict, **_: last.update(body=response_dict["body"]))
    return made, last


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


def ask(operation, image, **more):
    """The parsed answer, which has everything that was sent."""
    made, last = client()
    answer = getattr(made, operation)(Image=image, **CALLS[operation], **more)
    same(json.loads(last["body"]), answer)
    del answer["ResponseMetadata"]
    return answer


def stored(name):
    return {"S3Object": {"Bucket": INPUT, "Name": f"elsewhere/{name}"}}


def contains(box, x, y):
    return box["Left"] <= x <= box["Left"] + box["Width"] and box["Top"] <= y <= box["Top"] + box["Height"]


for name in NAMES:
    s3.put_object(Bucket=INPUT, Key=f"elsewhere/{name}", Body=BYTES[name], ContentType="image/png")

answers = {}


@check("every operation answers for every picture, and botocore parses every member")
def _():
    for name in NAMES:
        for operation in CALLS:
            answer = answers[name, operation] = ask(operation, stored(name))
            if operation in VERSIONS:
                assert answer[VERSIONS[operation]], answer


@check("calls side by side, with bytes and with objects, give the same answers")
def _():
    calls = [(name, operation, image) for name in NAMES for operation in CALLS for image in (stored(name), {"Bytes": BYTES[name]})]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda call: ask(call[1], call[2]), calls))
    for (name, operation, _), answer in zip(calls, found):
        assert answer == answers[name, operation], (name, operation)


@check("the portrait has one face, which is where it is")
def _():
    faces = answers["astronaut.png", "detect_faces"]["FaceDetails"]
    assert len(faces) == 1, faces
    assert contains(faces[0]["BoundingBox"], 0.44, 0.22) and faces[0]["Confidence"] >= 90
    assert {"Landmarks", "Pose", "Quality", "AgeRange", "Gender", "Emotions"} <= faces[0].keys(), faces[0].keys()
    few = client()[0].detect_faces(Image=stored("astronaut.png"))["FaceDetails"][0]
    assert few.keys() == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}, few.keys()
    assert answers["chelsea.png", "detect_faces"]["FaceDetails"] == []


@check("labels name the person with the face, and the cat")
def _():
    portrait, cat = [{label["Name"]: label for label in answers[name, "detect_labels"]["Labels"]} for name in ("astronaut.png", "chelsea.png")]
    for label in ("Person", "Face"):
        assert any(contains(instance["BoundingBox"], 0.44, 0.22) for instance in portrait[label]["Instances"]), portrait.keys()
    assert "Cat" in cat and "Person" not in cat, cat.keys()


@check("nothing is unsafe, and what the recogniser lacks is rejected")
def _():
    for name in NAMES:
        assert answers[name, "detect_moderation_labels"]["ModerationLabels"] == [], name
    adapter = "arn:aws:rekognition:us-east-1:111122223333:project/a/version/b/1767225600000"
    try:
        ask("detect_moderation_labels", stored("chelsea.png"), ProjectVersion=adapter)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterException", error
    else:
        raise AssertionError("an adapter was accepted")


@check("the page is read")
def _():
    found = answers["page.png", "detect_text"]["TextDetections"]
    words = {detection["DetectedText"].lower() for detection in found if detection["Type"] == "WORD"}
    assert {"pixels", "coins", "markers"} <= words, words
    assert [detection["Id"] for detection in found] == list(range(len(found)))


@check("celebrities and protective equipment are rejected by name")
def _():
    for name, operation in [("RecognizeCelebrities", "recognize_celebrities"), ("DetectProtectiveEquipment", "detect_protective_equipment")]:
        try:
            getattr(client()[0], operation)(Image=stored("astronaut.png"))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "UnknownOperationException" and name in error.response["Error"]["Message"], error
        else:
            raise AssertionError(f"{name} returned a response")


print(f"{passed} checks passed")
