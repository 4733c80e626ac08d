"""Asks `sightline local` about photographs, by boto3, and compares its answers with what the photographs show."""

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import boto3
from PIL import Image

import metrics
import pictures
from metrics import ratio

ROOT = pictures.HERE.parent.parent
TABLES = ROOT / "crates" / "vision" / "tables"
# Faces are counted from this width on, in pixels of the picture.
SMALLEST_FACE = 32
MINIMUM = 55


@contextlib.contextmanager
def recogniser(options):
    """`sightline local` on free ports. Yields a Rekognition client and the process."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        command = [os.environ["SIGHTLINE_PROGRAM"], "local", "--data-dir", Path(folder, "data"), "--port", "0"]
        command += ["--aws-port", "0", "--ready-file", ready, *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                while not ready.exists():
                    if process.poll() is not None:
                        raise SystemExit(f"sightline local did not start: {' '.join(map(str, command))}")
                    time.sleep(0.05)
                address = json.loads(ready.read_text())
                client = boto3.client(
                    "rekognition",
                    endpoint_url=address["aws"],
                    region_name=address["region"],
                    aws_access_key_id=address["accessKeyId"],
                    aws_secret_access_key=address["secretAccessKey"],
                )
                yield client, process
            finally:
                process.terminate()


class Asker:
    """Calls operations and adds up the processor time that each takes."""

    def __init__(self, client, process):
        self.client, self.process = client, process
        self.seconds, self.unsupported, self.answers = defaultdict(list), set(), {}

    def processor_time(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, member):
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(member))

    def ask(self, operation, name, picture, **request):
        if operation in self.unsupported:
            return None
        before = self.processor_time()
        try:
            answer = getattr(self.client, operation)(Image={"Bytes": picture}, **request)
        except self.client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "UnknownOperationException":
                raise
            self.unsupported.add(operation)
            return None
        self.seconds[operation].append(self.processor_time() - before)
        answer.pop("ResponseMetadata")
        self.answers.setdefault(name, {})[operation] = answer
        return answer


def corners(box):
    """A BoundingBox in percent."""
    left, top = 100 * box["Left"], 100 * box["Top"]
    return left, top, left + 100 * box["Width"], top + 100 * box["Height"]


def sendable(path):
    """The file as JPEG or PNG of at most 5 MiB, and its width in pixels."""
    picture = Image.open(path)
    data = path.read_bytes()
    if picture.format not in ("JPEG", "PNG") or len(data) > 5 << 20:
        encoded = io.BytesIO()
        picture.convert("RGB").save(encoded, "JPEG", quality=92)
        data = encoded.getvalue()
    return data, picture.width


class Labels:
    """Adds up what DetectLabels found."""

    def __init__(self, boxed, ancestors):
        self.boxed, self.ancestors = boxed, ancestors
        self.scored, self.positives = defaultdict(list), defaultdict(int)
        self.right = self.wrong = self.missed = 0
        self.all_right, self.mistakes = 0, []
        self.boxed_confidence, self.all_confidence = [], []
        self.expected = [0, 0]

    def add(self, name, truth, answer):
        objects, optional = truth.get("objects", []), set(truth.get("optional", []))
        present = {item[0] for item in objects} | set(truth.get("labels", []))
        # A label whose boxes are not all in the truth counts for the picture only.
        uncounted = optional | set(truth.get("labels", []))
        for label in self.boxed - uncounted:
            true = [item[1:] for item in objects if item[0] == label]
            self.positives[label] += len(true)
            instances = next((item["Instances"] for item in answer["Labels"] if item["Name"] == label), [])
            instances = sorted(instances, key=lambda item: -item["Confidence"])
            pairs = metrics.match([corners(item["BoundingBox"]) for item in instances], true, 0.5)
            self.scored[label] += [(item["Confidence"], pair is not None) for item, pair in zip(instances, pairs)]
        said = {item["Name"]: item["Confidence"] for item in answer["Labels"] if item["Confidence"] >= MINIMUM}
        boxed = set(said) & self.boxed - optional
        self.right += len(boxed & present)
        self.wrong += len(boxed - present)
        self.missed += len(present & self.boxed - set(said))
        self.boxed_confidence += [(said[label], label in present) for label in boxed]
        allowed = present | set(truth.get("also", []))
        allowed |= {above for label in allowed for above in self.ancestors.get(label, [])}
        for label, confidence in said.items():
            if label in optional:
                continue
            self.all_confidence.append((confidence, label in allowed))
            if label in allowed:
                self.all_right += 1
            else:
                self.mistakes.append(f"{name}: {label} {confidence:.0f}")
        if truth.get("any"):
            self.expected[0] += bool(set(truth["any"]) & set(said))
            self.expected[1] += 1

    def rows(self):
        averages = [metrics.average_precision(self.scored[label], count) for label, count in self.positives.items() if count]
        yield "mAP50 of the 80 boxed kinds", f"{statistics.mean(averages):.3f} ({len(averages)} kinds, {sum(self.positives.values())} boxes)"
        yield f"the same kinds as labels, at {MINIMUM}: precision", ratio(self.right, self.right + self.wrong)
        yield f"the same kinds as labels, at {MINIMUM}: recall", ratio(self.right, self.right + self.missed)
        yield f"all labels, at {MINIMUM}: precision", ratio(self.all_right, self.all_right + len(self.mistakes))
        yield "the telling label is found", ratio(*self.expected)
        yield "calibration error, boxed kinds", f"{metrics.calibration_error(self.boxed_confidence):.3f}"
        yield "calibration error, all labels", f"{metrics.calibration_error(self.all_confidence):.3f}"


class Faces:
    """Adds up what DetectFaces found."""

    def __init__(self):
        self.found = self.true = self.wrong = self.said = 0
        self.sure = self.sure_right = self.gendered = 0

    def add(self, truth, answer, width):
        true = [face for face in truth.get("faces", []) if (face[2] - face[0]) / 100 * width >= SMALLEST_FACE]
        boxes = [face[:4] for face in true]
        hard = [face[:4] for face in truth.get("faces", []) if face not in true] + truth.get("hard", [])
        details = sorted(answer["FaceDetails"], key=lambda item: -item["Confidence"])
        pairs = metrics.match([corners(item["BoundingBox"]) for item in details], boxes, 0.4)
        self.true += len(boxes)
        for item, pair in zip(details, pairs):
            box = corners(item["BoundingBox"])
            if pair is None:
                if max((metrics.overlap(box, other) for other in hard + boxes), default=0) > 0.15:
                    continue
                self.said += 1
                self.wrong += 1
                continue
            self.said += 1
            self.found += 1
            gender = item.get("Gender")
            if gender and len(true[pair]) > 4:
                self.gendered += 1
                if gender["Confidence"] >= 80:
                    self.sure += 1
                    self.sure_right += gender["Value"][0] == true[pair][4]

    def rows(self):
        yield f"faces of {SMALLEST_FACE} px and more: recall", ratio(self.found, self.true)
        yield "faces: precision", ratio(self.said - self.wrong, self.said)
        yield "gender right where confidence is 80 and more", ratio(self.sure_right, self.sure)
        yield "faces with such a confidence", ratio(self.sure, self.gendered)


def coco(images, annotations):
    """Pictures and truths of a folder in COCO's format."""
    data = json.loads(Path(annotations).read_text())
    table = {entry["id"]: entry["label"] for entry in json.loads((TABLES / "coco80.json").read_text())["classes"]}
    truths = {}
    for image in data["images"]:
        path = Path(images, image["file_name"])
        if path.exists():
            truths[image["id"]] = (path, image, {"objects": [], "optional": []})
    for item in data["annotations"]:
        if item["image_id"] in truths and item["category_id"] in table:
            _, image, truth = truths[item["image_id"]]
            label, (left, top, width, height) = table[item["category_id"]], item["bbox"]
            if item.get("iscrowd"):
                truth["optional"].append(label)
            elif width > 0 and height > 0:
                x, y = 100 / image["width"], 100 / image["height"]
                truth["objects"].append([label, left * x, top * y, (left + width) * x, (top + height) * y])
    return [(path.name, path, truth) for path, _, truth in truths.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedded", action="store_true", help="measure the embedded model alone")
    parser.add_argument("--models-dir", help="the folder of the installed models")
    parser.add_argument("--coco", nargs=2, metavar=("IMAGES", "ANNOTATIONS"), help="measure objects on a folder with COCO's annotations instead")
    parser.add_argument("--samples", type=Path, default=os.environ.get("SIGHTLINE_MODEL_SAMPLES"), help="the folder of the embedded model's sample photographs, measured too")
    parser.add_argument("--answers", type=Path, help="write all answers to this file")
    arguments = parser.parse_args()
    options = ["--models", "embedded"] if arguments.embedded else []
    if arguments.models_dir:
        options += ["--models-dir", arguments.models_dir]

    if arguments.coco:
        todo, signs = coco(*arguments.coco), []
    else:
        pictures.fetch()
        todo = [(name, pictures.FOLDER / name, truth) for name, truth in pictures.TRUTH["pictures"].items()]
        if arguments.samples:
            todo += [(name, Path(arguments.samples, name), truth) for name, truth in pictures.TRUTH["samples"].items()]
        signs = [*pictures.signs()]
    boxed = {entry["label"] for entry in json.loads((TABLES / "coco80.json").read_text())["classes"]}
    taxonomy = json.loads((TABLES / "taxonomy.json").read_text())["labels"]
    labels, faces = Labels(boxed, {entry["name"]: entry["parents"] for entry in taxonomy}), Faces()
    read, words, alarms, asked = 0, 0, [], 0
    with recogniser(options) as (client, process):
        asker = Asker(client, process)
        for name, path, truth in todo:
            data, width = sendable(path)
            answer = asker.ask("detect_labels", name, data, MinConfidence=1, MaxLabels=1000)
            labels.add(name, truth, answer)
            if arguments.coco:
                continue
            answer = asker.ask("detect_faces", name, data, Attributes=["ALL"])
            # A photograph of a crowd has no list of its faces.
            if answer and not ("Person" in truth.get("labels", []) + truth.get("also", []) and "faces" not in truth):
                faces.add(truth, answer, width)
            if answer := asker.ask("detect_moderation_labels", name, data, MinConfidence=50):
                asked += 1
                alarms += [f"{name}: {item['Name']} {item['Confidence']:.0f}" for item in answer["ModerationLabels"]]
            if answer := asker.ask("detect_text", name, data):
                found = [item["DetectedText"] for item in answer["TextDetections"] if item["Type"] == "WORD"]
                if truth.get("words"):
                    right, all_words = metrics.words_found(truth["words"], found)
                    read, words = read + right, words + all_words
        sign_read = sign_words = 0
        for name, data, true in signs:
            if answer := asker.ask("detect_text", name, data):
                found = [item["DetectedText"] for item in answer["TextDetections"] if item["Type"] == "WORD"]
                right, all_words = metrics.words_found(true, found)
                sign_read, sign_words = sign_read + right, sign_words + all_words
        page_read = page_words = 0
        if not arguments.coco:
            name, data, true = pictures.clean_page()
            if answer := asker.ask("detect_text", name, data, Filters={"WordFilter": {"MinConfidence": 50}}):
                found = [item["DetectedText"] for item in answer["TextDetections"] if item["Type"] == "LINE"]
                page_read, page_words = metrics.words_found(true, " ".join(found).split())
        print(f"| {len(todo)} photographs | |\n|---|---|")
        for what, value in labels.rows():
            print(f"| {what} | {value} |")
        if not arguments.coco:
            for what, value in faces.rows():
                print(f"| {what} | {value} |")
            print(f"| false alarms of moderation at 50 | {len(alarms)} of {asked} photographs |")
            print(f"| words in photographs: recall | {ratio(read, words)} |")
            print(f"| words on {len(signs)} drawn signs: recall | {ratio(sign_read, sign_words)} |")
            print(f"| words of a clean page: recall | {ratio(page_read, page_words)} |")
        for operation, seconds in asker.seconds.items():
            print(f"| {operation}: processor time, median | {1000 * statistics.median(seconds):.0f} ms |")
        print(f"| memory: peak / at the end | {asker.memory('VmHWM'):.0f} / {asker.memory('VmRSS'):.0f} MiB |")
    for operation in sorted(asker.unsupported):
        print(f"\nNo recogniser answers {operation}.")
    print("\nLabels at 55 that the truth does not list:", "; ".join(labels.mistakes) or "none")
    if alarms:
        print("Moderation:", "; ".join(alarms))
    if arguments.answers:
        arguments.answers.write_text(json.dumps(asker.answers, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
