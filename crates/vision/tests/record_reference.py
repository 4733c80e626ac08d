#!/usr/bin/env python3
"""Writes reference.json: what onnxruntime says about three drawn pictures, for src/reference_tests.rs to compare with.

The pictures are drawn by the same integer formulas here and there, have the size of the model's content area
and so need neither a file, nor a decoder, nor scaling: what is compared is the network alone, and then the
network with the decoding that the model card prescribes.

    python -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnxruntime==1.31.1 numpy==2.4.6
    /tmp/onnx/bin/python record_reference.py
"""
import json
import os

import numpy as np
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "..", "model")
WIDTH, HEIGHT, SIDE = 320, 240, 320


def interference(x, y):
    return np.stack([(x * (3 + c) + y * (5 - c) + x * y // (16 + c)) % 256 for c in range(3)], -1)


def stop_sign(x, y):
    im = np.stack([120 + 0 * x, 170 + 0 * x, 230 - y // 4], -1)
    im[y > 200] = [90, 120, 70]
    dx, dy = abs(x - 160), abs(y - 100)
    octagon = np.maximum(np.maximum(dx, dy), (dx + dy) * 5 // 7)
    im[(dx < 6) & (y > 100)] = [120, 120, 120]
    im[octagon < 62] = [240, 240, 240]
    im[octagon < 57] = [190, 20, 30]
    im[(dy < 14) & (dx < 42) & (x // 6 % 2 == 0)] = [240, 240, 240]
    return im


def lamps(x, y):
    im = np.stack([110 + 0 * x, 160 + 0 * x, 230 - y // 4], -1)
    im[(abs(x - 160) < 36) & (abs(y - 110) < 95)] = [25, 25, 25]
    for i, colour in enumerate([[230, 30, 30], [230, 180, 30], [40, 200, 80]]):
        im[(x - 160) ** 2 + (y - 50 - 60 * i) ** 2 < 26 ** 2] = colour
    im[(abs(x - 160) < 7) & (y > 205)] = [60, 60, 60]
    return im


def nms(boxes, scores, table):
    rule = table["nms"]
    cells, classes = np.where(scores >= rule["score_min"])
    values = scores[cells, classes]
    order = np.argsort(-values, kind="stable")[: rule["max_candidates"]]
    kept = []
    for cell, cls, score in zip(cells[order], classes[order], values[order]):
        a = boxes[cell]
        for k in kept:
            b = k["sides"]
            w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            shared = max(w, 0) * max(h, 0)
            areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
            if k["class"] == cls and shared / (areas - shared) > rule["iou"]:
                break
        else:
            kept.append({"class": int(cls), "score": float(score), "sides": [float(v) for v in a]})
        if len(kept) == rule["max_detections"]:
            break
    return kept


def main():
    table = json.load(open(os.path.join(MODEL, "labels.json")))
    session = onnxruntime.InferenceSession(os.path.join(MODEL, "labeler.onnx"), providers=["CPUExecutionProvider"])
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.int64)
    scenes = []
    for draw in (interference, stop_sign, lamps):
        pixels = draw(x, y)
        canvas = np.full((SIDE, SIDE, 3), 114, np.int64)
        canvas[:HEIGHT] = pixels
        tensor = (canvas.astype(np.float32) / np.float32(255)).transpose(2, 0, 1)[None]
        boxes, scores, labels = session.run(["boxes", "scores", "labels"], {"image": np.ascontiguousarray(tensor)})
        best = np.argsort(-scores.max(1), kind="stable")[:40]
        weights = np.arange(1, pixels.size + 1)
        scenes.append({
            "scene": draw.__name__,
            "pixel_checksum": int((pixels.ravel() * weights).sum() % 1_000_000_007),
            "labels": [round(float(v), 7) for v in labels],
            "cells": [{"cell": int(c), "sides": [round(float(v), 4) for v in boxes[c]], "class": int(scores[c].argmax()),
                       "score": round(float(scores[c].max()), 7)} for c in best],
            "sum_of_scores": float(scores.astype(np.float64).sum()),
            "sum_of_sides": float(boxes.astype(np.float64).sum()),
            "detections": nms(boxes, scores, table),
        })
    source = f"onnxruntime {onnxruntime.__version__}, CPU, written by record_reference.py"
    lines = ",\n".join(json.dumps(s) for s in scenes)
    with open(os.path.join(HERE, "reference.json"), "w") as out:
        out.write(f'{{"source": {json.dumps(source)}, "scenes": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
