#!/usr/bin/env python3
"""Compares the inference engine of the local recogniser (rten) with onnxruntime: time on one thread, and results.

Both run the embedded model on the same inputs: the three drawn pictures of crates/vision/tests/record_reference.py and
seeded noise. The engines take turns, so that a change of the machine's load hits both. Times are milliseconds of one
picture from input tensor to outputs, without decoding and scaling. On a busy machine the fastest run is the better figure.

    python3 -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnxruntime==1.31.1 numpy==2.4.6
    /tmp/onnx/bin/python bench/inference.py [MODEL.onnx]

Another model must have one input of the shape [1, 3, height, width] and outputs of floats.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VISION = os.path.join(ROOT, "crates", "vision")
MODEL = os.path.join(VISION, "model", "labeler.onnx")
ROUNDS, RUNS = 8, 10

sys.path.insert(0, os.path.join(VISION, "tests"))
from record_reference import HEIGHT, WIDTH, interference, lamps, stop_sign  # noqa: E402


def inputs(shape):
    height, width = shape[2:]
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.int64)
    tensors = []
    for draw in (interference, stop_sign, lamps):
        canvas = np.full((max(height, HEIGHT), max(width, WIDTH), 3), 114, np.float32)
        canvas[:HEIGHT, :WIDTH] = draw(x, y)
        tensors.append(canvas[:height, :width].transpose(2, 0, 1) / np.float32(255))
    tensors.append(np.random.default_rng(7).random((3, height, width), np.float32))
    return np.ascontiguousarray(np.stack(tensors), "<f4")


def peer(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def example():
    """Builds the example and returns its path."""
    command = ["cargo", "build", "--release", "-p", "sightline-vision", "--example", "inference",
               "--message-format", "json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    paths = [json.loads(line).get("executable") for line in built.splitlines()]
    return [path for path in paths if path][-1]


def spread(times):
    return f"fastest {min(times):5.1f} ms, median {statistics.median(times):5.1f} ms"


def compare(binary, model, rounds, runs):
    """Milliseconds of each run by engine, those of loading with rten, and the largest differences of each output."""
    session = peer(model)
    given = session.get_inputs()[0]
    tensors = inputs(given.shape)
    expected = [session.run(None, {given.name: tensor[None]}) for tensor in tensors]

    times = {"rten": [], "onnxruntime": []}
    with tempfile.TemporaryDirectory() as folder:
        source, target = os.path.join(folder, "inputs"), os.path.join(folder, "outputs")
        tensors.tofile(source)
        for _ in range(rounds):
            answer = json.loads(subprocess.run([binary, model, source, target, str(runs)],
                                               check=True, stdout=subprocess.PIPE).stdout)
            times["rten"] += answer["times"]
            for _ in range(runs):
                for tensor in tensors:
                    start = time.perf_counter()
                    session.run(None, {given.name: tensor[None]})
                    times["onnxruntime"].append((time.perf_counter() - start) * 1000)
        found = np.fromfile(target, "<f4")

    at, worst = 0, {}
    for outputs in expected:
        for name, values in zip(answer["outputs"], outputs):
            off = np.abs(found[at:at + values.size] - values.ravel()).max()
            worst[name] = max(worst.get(name, (0, 0))[0], off), max(worst.get(name, (0, 0))[1], np.ptp(values))
            at += values.size
    return {"times": times, "loading": answer["loading"], "worst": worst}


def main():
    model = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    found = compare(example(), model, ROUNDS, RUNS)
    for engine, measured in found["times"].items():
        print(f"{engine:12} {spread(measured)}")
    print(f"loading with rten {found['loading']:.0f} ms")
    for name, (off, span) in found["worst"].items():
        print(f"largest difference in {name}: {off:.2g} of a range of {span:.4g}")


if __name__ == "__main__":
    main()
