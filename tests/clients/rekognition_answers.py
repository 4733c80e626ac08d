"""Rekognition's documented responses: writes some for a stub to replay, and compares result documents with them, using botocore's
parser.

    python rekognition_answers.py write FOLDER
        FOLDER/documented.json   {operation: response}, from the documented examples
        FOLDER/full-N.json       the same, generated from the service model: every member, every enum value
    python rekognition_answers.py compare ANSWERS.json DOCUMENT.json
        The document's responses must equal the replayed ones, both as JSON and parsed by botocore, without lost or unknown members.

The examples of DetectLabels and DetectFaces are botocore's (examples-1.json). botocore has none for the other operations; those
here follow the response syntax and the member descriptions in the Amazon Rekognition API Reference, with invented values.
"""

import json
import sys
from pathlib import Path

import botocore.session
from botocore.parsers import create_parser

OPERATIONS = {
    "DetectLabels": "detectLabels",
    "DetectFaces": "detectFaces",
    "DetectText": "detectText",
    "DetectModerationLabels": "detectModerationLabels",
    "RecognizeCelebrities": "recognizeCelebrities",
    "DetectProtectiveEquipment": "detectProtectiveEquipment",
    "DetectCustomLabels": "detectCustomLabels",
}

SESSION = botocore.session.get_session()
MODEL = SESSION.get_service_model("rekognition")


def box(left, top, width, height):
    return {"Left": left, "Top": top, "Width": width, "Height": height}


def geometry(left, top, width, height):
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    return {"BoundingBox": box(left, top, width, height), "Polygon": [{"X": x, "Y": y} for x, y in corners]}


WRITTEN = {
    "DetectText": {
        "TextDetections": [
            {"DetectedText": "IT'S MONDAY", "Type": "LINE", "Id": 0, "Confidence": 99.94541931152344, "Geometry": geometry(0.1, 0.2, 0.5, 0.125)},
            {"DetectedText": "IT'S", "Type": "WORD", "Id": 1, "ParentId": 0, "Confidence": 99.9168472290039, "Geometry": geometry(0.1, 0.2, 0.25, 0.125)},
            {"DetectedText": "MONDAY", "Type": "WORD", "Id": 2, "ParentId": 0, "Confidence": 99.97399139404297, "Geometry": geometry(0.375, 0.2, 0.225, 0.125)},
        ],
        "TextModelVersion": "3.0",
    },
    "DetectModerationLabels": {
        "ModerationLabels": [
            {"Confidence": 98.68277740478516, "Name": "Smoking", "ParentName": "Drugs & Tobacco Paraphernalia & Use", "TaxonomyLevel": 2},
            {"Confidence": 98.68277740478516, "Name": "Drugs & Tobacco Paraphernalia & Use", "ParentName": "Drugs & Tobacco", "TaxonomyLevel": 2},
            {"Confidence": 98.68277740478516, "Name": "Drugs & Tobacco", "ParentName": "", "TaxonomyLevel": 1},
        ],
        "ModerationModelVersion": "7.0",
        "ContentTypes": [{"Confidence": 99.9049301147461, "Name": "Animated Content"}],
    },
    "RecognizeCelebrities": {
        "CelebrityFaces": [
            {
                "Urls": ["www.example.org/somebody"],
                "Name": "Some Body",
                "Id": "1XJ5dK1a",
                "Face": {
                    "BoundingBox": box(0.5, 0.0625, 0.125, 0.25),
                    "Confidence": 99.96077728271484,
                    "Landmarks": [{"Type": "eyeLeft", "X": 0.5545842, "Y": 0.1547693}, {"Type": "nose", "X": 0.572, "Y": 0.19}],
                    "Pose": {"Roll": -5.8, "Yaw": 2.25, "Pitch": 0.125},
                    "Quality": {"Brightness": 73.81391906738281, "Sharpness": 86.86019134521484},
                    "Emotions": [{"Type": "HAPPY", "Confidence": 97.5}, {"Type": "CALM", "Confidence": 1.5}],
                    "Smile": {"Value": True, "Confidence": 95.5},
                },
                "MatchConfidence": 98.0,
                "KnownGender": {"Type": "Male"},
            }
        ],
        "UnrecognizedFaces": [
            {
                "BoundingBox": box(0.0, -0.0125, 0.1, 0.2),
                "Confidence": 92.5,
                "Landmarks": [],
                "Pose": {"Roll": 1.0, "Yaw": -1.0, "Pitch": 0.0},
                "Quality": {"Brightness": 10.5, "Sharpness": 2.5},
                "Emotions": [],
                "Smile": {"Value": False, "Confidence": 80.0},
            }
        ],
    },
    "DetectProtectiveEquipment": {
        "ProtectiveEquipmentModelVersion": "1.0",
        "Persons": [
            {
                "BodyParts": [
                    {
                        "Name": "FACE",
                        "Confidence": 99.99861145019531,
                        "EquipmentDetections": [
                            {"BoundingBox": box(0.25, 0.3, 0.1, 0.15), "Confidence": 99.9, "Type": "FACE_COVER", "CoversBodyPart": {"Confidence": 98.0, "Value": True}}
                        ],
                    },
                    {"Name": "LEFT_HAND", "Confidence": 96.9, "EquipmentDetections": []},
                ],
                "BoundingBox": box(0.06, 0.16, 0.64, 0.82),
                "Confidence": 98.94853973388672,
                "Id": 0,
            }
        ],
        "Summary": {"PersonsWithRequiredEquipment": [0], "PersonsWithoutRequiredEquipment": [], "PersonsIndeterminate": []},
    },
    "DetectCustomLabels": {
        "CustomLabels": [
            {"Name": "MyLogo", "Confidence": 77.7729721069336, "Geometry": {"BoundingBox": box(0.19876, 0.2909, 0.2, 0.1)}},
            {"Name": "Warehouse", "Confidence": 51.25},
        ]
    },
}


def documented():
    examples = SESSION.get_component("data_loader").load_data_with_path("rekognition/2016-06-27/examples-1")[0]["examples"]
    return {name: WRITTEN.get(name) or examples[name][0]["output"] for name in OPERATIONS}


def full(shape, turn, path=()):
    """A value with every member of its shape. Lists have two items; enum values rotate with `turn`."""
    if shape.type_name == "structure":
        assert shape.name not in path, f"{shape.name} is recursive"
        return {name: full(member, turn, (*path, shape.name)) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [full(shape.member, turn + item, path) for item in range(2)]
    if shape.type_name == "string":
        return shape.enum[turn % len(shape.enum)] if getattr(shape, "enum", None) else f"{shape.name} {turn} äß猫"
    if shape.type_name == "boolean":
        return turn % 2 == 0
    if shape.type_name == "integer":
        return 3 + turn
    if shape.type_name == "float":
        # A 32-bit number with all digits, as Rekognition writes it.
        return 99.9168472290039 - turn / 2
    raise AssertionError(f"the service model now has a {shape.type_name}")


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    answers = {"documented": documented()}
    shapes = [MODEL.shape_for(name) for name in MODEL.shape_names]
    turns = max(len(shape.enum) for shape in shapes if getattr(shape, "enum", None) and shape.name in ("EmotionName", "LandmarkType", "KnownGenderType", "BodyPart"))
    for turn in range(0, turns, 2):
        answers[f"full-{turn:02}"] = {name: full(MODEL.operation_model(name).output_shape, turn) for name in OPERATIONS}
    for name, answer in answers.items():
        (folder / f"{name}.json").write_text(json.dumps(answer))


def parse(operation, wire):
    """What botocore's client returns for this body."""
    response = {"status_code": 200, "headers": {}, "body": json.dumps(wire).encode()}
    parsed = create_parser(MODEL.metadata["protocol"]).parse(response, MODEL.operation_model(operation).output_shape)
    del parsed["ResponseMetadata"]
    return parsed


def differences(wire, parsed, path):
    """All paths at which the parsed value differs from the JSON value, in any digit or type."""
    if isinstance(wire, dict) and isinstance(parsed, dict):
        for name in wire.keys() | parsed.keys():
            if name not in parsed:
                yield f"{path}.{name} is lost or unknown"
            elif name not in wire:
                yield f"{path}.{name} was added"
            else:
                yield from differences(wire[name], parsed[name], f"{path}.{name}")
    elif isinstance(wire, list) and isinstance(parsed, list) and len(wire) == len(parsed):
        for number, pair in enumerate(zip(wire, parsed)):
            yield from differences(*pair, f"{path}[{number}]")
    elif wire != parsed or type(wire) is not type(parsed):
        yield f"{path}: {wire!r} became {parsed!r}"


def compare(answers, document):
    answers, document = json.loads(answers.read_text()), json.loads(document.read_text())
    assert document["status"] == "succeeded", document["errors"]
    assert sorted(document["rekognition"]) == sorted(OPERATIONS.values()), document["rekognition"].keys()
    found = []
    for operation, member in OPERATIONS.items():
        kept = document["rekognition"][member]
        found += differences(answers[operation], kept, f"document {operation}")
        found += differences(answers[operation], parse(operation, kept), f"botocore {operation}")
    assert not found, "\n".join(found)
    # The comparison itself detects lost members.
    incomplete = dict(answers["DetectText"], TextDetections=answers["DetectText"]["TextDetections"][1:])
    assert list(differences(answers["DetectText"], incomplete, "$"))
    assert list(differences({"MadeUp": 1}, parse("DetectText", {"MadeUp": 1}), "$")) == ["$.MadeUp is lost or unknown"]
    members = sum(1 for _ in leaves(document["rekognition"]))
    print(f"{members} values are equal")


def leaves(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


if __name__ == "__main__":
    command, *paths = sys.argv[1:]
    {"write": write, "compare": compare}[command](*map(Path, paths))
