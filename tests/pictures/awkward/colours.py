"""Conversions between colour encodings."""

import numpy as np

SRGB = ((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
P3 = ((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
BT2020 = ((0.3127, 0.329), (0.708, 0.292), (0.17, 0.797), (0.131, 0.046))
# The brightness of white in a picture that is no HDR, in cd/m2 (ITU-R BT.2408).
WHITE = 203


def linear_light(samples):
    value = samples / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def to_xyz(points):
    """The matrix of these white and primary points."""
    column = lambda x, y: np.array([x / y, 1, (1 - x - y) / y])
    matrix = np.stack([column(*point) for point in points[1:]], axis=1)
    return matrix * np.linalg.solve(matrix, column(*points[0]))


def wide(light, points):
    """Linear light of sRGB in a wider gamut."""
    matrix = np.linalg.solve(to_xyz(points), to_xyz(SRGB))
    return np.clip(light @ matrix.T, 0, 1)


def from_linear_light(light, transfer):
    """Encoded by a transfer function of ITU-T H.273."""
    if transfer == 8:
        return light
    if transfer == 16:
        level = (light * WHITE / 10_000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * level) / (1 + 18.6875 * level)) ** 78.84375
    if transfer == 18:
        # White is at 75 %, so at 0.265 of the scene's light.
        scene = 0.2650 * light ** (1 / 1.2)
        return np.where(scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def shown_on_sdr(picture):
    """How Chromium shows a scene in PQ or HLG on a display without HDR: at about half the light."""
    light = linear_light(picture) / 2
    return (from_linear_light(light, 13) * 255).round().astype(np.uint8)
