#!/usr/bin/env python3
"""Writes model_references.json: what onnxruntime computes with the models that can be added, for src/models/references.rs.

The inputs are drawn from a hash of integers, so that they need no file. The outputs are recorded as a few values, the mean,
and the place of the largest value. The converted networks are compared with an implementation that does not share the
converter: TensorFlow.js's CPU backend, face-api's own package, and for EfficientNet-Lite0 the layers written in numpy below.
The largest difference from it, as a share of the output's range, is recorded too, and must be at most 1e-3.

    python3 -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnxruntime==1.32.0 numpy==2.4.6
    (mkdir -p /tmp/tfjs && cd /tmp/tfjs && npm install @tensorflow/tfjs@4.22.0)
    /tmp/onnx/bin/python record_model_references.py MODELS PACKAGES /tmp/tfjs/node_modules

MODELS is the folder of the installed models, PACKAGES a folder with the packages they come from, unpacked.
"""
import glob
import json
import os
import pickle
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))

# The file, and its inputs: name, shape, and the values that the samples 0 and 255 have.
INPUTS = {
    "objects/objects.onnx": ("image", [1, 300, 300, 3], -1, 1),
    "classes/classes.onnx": ("image", [1, 3, 224, 224], -0.992, 1),
    "faces/pnet.onnx": (None, [1, 96, 72, 3], -1, 1),
    "faces/rnet.onnx": (None, [2, 24, 24, 3], -1, 1),
    "faces/onet.onnx": (None, [2, 48, 48, 3], -1, 1),
    "faces/blazeface.onnx": ("image", [1, 256, 256, 3], -1, 1),
    "faces/facemesh.onnx": ("image", [1, 192, 192, 3], 0, 1),
    "faces/age.onnx": (None, [1, 3, 64, 64], -0.46, 0.54),
    "faces/gender.onnx": (None, [1, 3, 32, 32], -0.46, 0.54),
    "faces/age-gender.onnx": ("image", [1, 3, 112, 112], -0.46, 0.54),
    "faces/expressions.onnx": ("image", [1, 3, 112, 112], -0.46, 0.54),
    "moderation/nsfw.onnx": (None, [1, 224, 224, 3], -117, 138),
    "text/detector.onnx": (None, [1, 3, 160, 224], -1, 1),
    "text/reader.onnx": (None, [1, 3, 48, 160], -1, 1),
}
SAMPLES = 24
LEAST_RANGE = 0.01


def unit(index):
    """A number of 0 to 1 for each integer, exact in 24 bits."""
    h = (index.astype(np.uint64) * 0x9E3779B1) % 2**32
    h ^= h >> np.uint64(15)
    h = (h * 0x85EBCA77) % 2**32
    h ^= h >> np.uint64(13)
    return (h >> np.uint64(8)).astype(np.float64) / 2**24


def drawn(shape, low, high):
    """Runs of 61 values around one level, with noise: the mean of a number for each run and one for each value."""
    index = np.arange(int(np.prod(shape)))
    value = (unit(index // 61) + unit(index + 0x40000000)) / 2
    return (low + (high - low) * value).astype(np.float32).reshape(shape)


def short(value):
    return float(f"{value:.7g}")


def summary(name, values):
    flat = values.astype(np.float64).ravel()
    span = flat.max() - flat.min() if flat.size > 1 else abs(flat[0])
    places = sorted({round(k * (flat.size - 1) / (SAMPLES - 1)) for k in range(SAMPLES)} | {int(flat.argmax())})
    return {
        "name": name,
        "shape": list(values.shape),
        "range": short(max(span, LEAST_RANGE)),
        "mean": short(flat.mean()),
        "largest": int(flat.argmax()),
        "samples": [[place, short(flat[place])] for place in places],
    }


def efficientnet(path, image):
    """EfficientNet-Lite0 in numpy, from the layers' definition."""

    class Table(dict):
        """A table that, unlike `dict`, can have attributes."""

    class Tensors(pickle.Unpickler):
        def find_class(self, module, name):
            known = {
                "OrderedDict": Table,
                "_rebuild_tensor_v2": lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides),
            }
            # The types of storages remain names.
            return known.get(name, name)

        def persistent_load(self, key):
            return key[1:3]

    with open(path, "rb") as file:
        # A number, a version, the sizes of numbers, the tensors, and the storages' keys; then the storages.
        *_, table, keys = [Tensors(file).load() for _ in range(5)]
        kinds = {key: kind for (kind, key), *_ in table.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            storages[key] = np.frombuffer(file.read(count * (4 if kinds[key] == "FloatStorage" else 8)), np.float32)

    def weight(name):
        (_, key), offset, shape, strides = table[name]
        return np.lib.stride_tricks.as_strided(storages[key][offset:], shape, [4 * s for s in strides]).astype(np.float64)

    def layer(x, name, norm, stride=1, depthwise=False, active=True):
        filters = weight(name + ".weight")
        kernel, side = filters.shape[-1], x.shape[-1]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pad = (total // 2, total - total // 2)
        x = np.pad(x, [(0, 0), pad, pad])
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
        sum_of = "chwij,cij->chw" if depthwise else "chwij,ocij->ohw"
        x = np.einsum(sum_of, windows, filters[:, 0] if depthwise else filters, optimize=True)
        part = lambda name: weight(f"{norm}.{name}")[:, None, None]
        x = (x - part("running_mean")) / np.sqrt(part("running_var") + 1e-3) * part("weight") + part("bias")
        return np.clip(x, 0, 6) if active else x

    x = layer(image[0].astype(np.float64), "_conv_stem", "_bn0", 2)
    stages = [(1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)]
    strides = [stride if block == 0 else 1 for blocks, stride in stages for block in range(blocks)]
    for place, stride in enumerate(strides):
        name, start = f"_blocks.{place}", x
        if place:
            x = layer(x, name + "._expand_conv", name + "._bn0")
        x = layer(x, name + "._depthwise_conv", name + "._bn1", stride, depthwise=True)
        x = layer(x, name + "._project_conv", name + "._bn2", active=False)
        if x.shape == start.shape:
            x = x + start
    x = layer(x, "_conv_head", "_bn1").mean((1, 2))
    scores = weight("_fc.weight") @ x + weight("_fc.bias")
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()


def main(models, packages, modules):
    references = {}
    outputs = {}
    for file, (name, shape, low, high) in INPUTS.items():
        session = onnxruntime.InferenceSession(os.path.join(models, file))
        name = name or session.get_inputs()[0].name
        values = session.run(None, {name: drawn(shape, low, high)})
        names = [output.name for output in session.get_outputs()]
        outputs[file] = dict(zip(names, values))
        references[os.path.basename(file)] = {
            "input": {"name": name, "shape": shape, "low": low, "high": high},
            "outputs": [summary(name, value) for name, value in outputs[file].items()],
        }
        print(file, names)

    independent = {}
    with tempfile.TemporaryDirectory() as folder:
        converted = ["objects/objects.onnx"] + [f"faces/{n}.onnx" for n in ("blazeface", "facemesh", "age-gender", "expressions")]
        for file in converted:
            _, shape, low, high = INPUTS[file]
            stem = os.path.basename(file)[:-5]
            drawn(shape, low, high).tofile(os.path.join(folder, stem + ".input"))
        subprocess.run(["node", os.path.join(HERE, "tfjs_outputs.mjs"), modules, packages, folder], check=True)
        for file in converted:
            stem = os.path.basename(file)[:-5]
            for output in outputs[file]:
                independent[file, output] = np.fromfile(os.path.join(folder, f"{stem}.{output}"), np.float32)
    (pth,) = glob.glob(os.path.join(packages, "**", "efficientnet-lite0-*.pth"), recursive=True)
    _, shape, low, high = INPUTS["classes/classes.onnx"]
    independent["classes/classes.onnx", "probabilities"] = efficientnet(pth, drawn(shape, low, high))
    for (file, output), expected in independent.items():
        reference = references[os.path.basename(file)]
        (recorded,) = [o for o in reference["outputs"] if o["name"] == output]
        off = np.abs(outputs[file][output].ravel() - expected.ravel()).max() / recorded["range"]
        print(f"{file} {output}: {off:.2g} of the range {recorded['range']} off")
        assert off <= 1e-3, (file, output, off)
        recorded["independent_difference"] = float(f"{off:.2g}")

    with open(os.path.join(HERE, "model_references.json"), "w") as file:
        lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in references.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
