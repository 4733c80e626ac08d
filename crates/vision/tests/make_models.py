#!/usr/bin/env python3
"""Writes the small ONNX models of models/, which tests/own_models.rs puts behind `Recogniser::from_files`.

They are real networks over a 64 x 64 input. The detectors: average pooling and a 1 x 1 convolution light up the cells
that lie on red or on green, in the output layouts that YOLOX and YOLOv8 export. A cell that is wholly red has the
score of sigmoid(8) for class 0, one that is wholly green that of class 1; any other colour stays below 0.01.
The classifier tells red, green and blue pictures apart.

    python -m venv /tmp/onnx && /tmp/onnx/bin/pip install onnx==1.23.2 numpy==2.4.6
    /tmp/onnx/bin/python make_models.py
"""
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")


class Graph:
    """Collects nodes and weights under names of its own."""

    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def weight(self, values, dtype=np.float32):
        name = self.name()
        self.weights.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def add(self, op, inputs, output=None, **attributes):
        output = output or self.name()
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def save(self, path, outputs, opset=13):
        image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
        outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs]
        graph = helper.make_graph(self.nodes, "colours", [image], outputs, self.weights)
        model = helper.make_model(graph, producer_name="make_models.py", opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, os.path.join(HERE, path))
        print(path, os.path.getsize(os.path.join(HERE, path)), "bytes")


def colour_logits(graph, image, stride, red, green, blue, full):
    """[1, 2, n, n]: the logit of red and of green in each cell. `full` is the sample value of a full channel."""
    pooled = graph.add("AveragePool", [image], kernel_shape=[stride, stride], strides=[stride, stride])
    # A pure colour has 1 in its channel and 0 in the others; 16 * that - 8 is 8 for it and -8 for grey or black.
    kernel = np.zeros((2, 3, 1, 1))
    for row, own in enumerate((red, green)):
        for channel in (red, green, blue):
            kernel[row, channel, 0, 0] = (16 if channel == own else -16) / full
    # Exporters write kernel_shape, and rten needs it.
    return graph.add("Conv", [pooled, graph.weight(kernel), graph.weight([-8, -8])], kernel_shape=[1, 1])


def flat(graph, tensor, rows):
    return graph.add("Reshape", [tensor, graph.weight([1, rows, -1], np.int64)])


def yolox():
    """Input BGR 0..255; output [1, 84, 7]. Only the grid of stride 16 is confident, so that a red square of
    16 x 16 input pixels has one box of exactly its size."""
    graph, levels = Graph(), []
    for stride in (8, 16, 32):
        cells = SIDE // stride
        classes = graph.add("Sigmoid", [colour_logits(graph, "images", stride, red=2, green=1, blue=0, full=255.0)])
        # x and y half a cell in, width and height of one cell (log 1), objectness.
        box = np.broadcast_to(
            np.array([0.5, 0.5, 0.0, 0.0, 0.99 if stride == 16 else 0.01]).reshape(1, 5, 1, 1), (1, 5, cells, cells))
        levels.append(flat(graph, graph.add("Concat", [graph.weight(box), classes], axis=1), 7))
    joined = graph.add("Concat", levels, axis=2)
    graph.add("Transpose", [joined], "output", perm=[0, 2, 1])
    graph.save("yolox.onnx", [("output", [1, 84, 7])])


def yolov8():
    """Input RGB 0..1; output [1, 6, 16]: the boxes of the 4 x 4 cells of 16 pixels in input pixels."""
    graph = Graph()
    classes = flat(graph, graph.add("Sigmoid", [colour_logits(graph, "images", 16, red=0, green=1, blue=2, full=1.0)]), 2)
    y, x = np.mgrid[0:4, 0:4].reshape(2, 16) * 16 + 8
    boxes = np.stack([x, y, np.full(16, 16), np.full(16, 16)])[None]
    graph.add("Concat", [graph.weight(boxes), classes], "output0", axis=1)
    graph.save("yolov8.onnx", [("output0", [1, 6, 16])])


def classifier():
    """Input RGB 0..1; output [1, 3]: logits of red, green and blue for the picture as a whole. Each is 12 times the
    mean of its channel minus 4: 8 where the picture is of that colour, -4 where it has none of it."""
    graph = Graph()
    means = graph.add("Flatten", [graph.add("GlobalAveragePool", ["images"])], axis=1)
    weights, bias = graph.weight(np.eye(3) * 12), graph.weight([-4, -4, -4])
    graph.add("Gemm", [means, weights, bias], "logits")
    graph.save("classifier.onnx", [("logits", [1, 3])])


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    yolox()
    yolov8()
    classifier()
