"""Measures of answers against what a picture shows. Boxes are (left, top, right, bottom)."""

import re
from collections import Counter


def overlap(a, b):
    """Intersection over union."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def match(found, true, least):
    """Pairs of each found box, best first, with the best true box that is free: index or None for each found box."""
    free, pairs = set(range(len(true))), []
    for box in found:
        best = max(free, key=lambda index: overlap(box, true[index]), default=None)
        if best is not None and overlap(box, true[best]) >= least:
            free.discard(best)
            pairs.append(best)
        else:
            pairs.append(None)
    return pairs


def average_precision(scored, positives):
    """Average precision at 101 recalls. `scored`: (score, is right) of all pictures; `positives`: number of true boxes."""
    points, right = [], 0
    for rank, (_, hit) in enumerate(sorted(scored, key=lambda item: -item[0]), 1):
        right += hit
        points.append((right / positives, right / rank))
    total = 0.0
    for step in range(101):
        total += max((precision for recall, precision in points if recall >= step / 100), default=0.0)
    return total / 101


def calibration_error(scored):
    """Expected calibration error of (confidence in percent, is right), over bins of ten percent points."""
    bins = {}
    for confidence, hit in scored:
        bins.setdefault(min(int(confidence // 10), 9), []).append((confidence / 100, hit))
    gaps = (abs(sum(c for c, _ in group) - sum(h for _, h in group)) for group in bins.values())
    return sum(gaps) / max(1, len(scored))


def normal(word):
    """A word without case and without punctuation around it."""
    return re.sub(r"^\W+|\W+$", "", word).lower()


def words_found(true, found):
    """How many of the true words were found, each as often as it is there."""
    true, found = (Counter(filter(None, map(normal, words))) for words in (true, found))
    return sum((true & found).values()), sum(true.values())


def ratio(part, whole):
    """A ratio for the table."""
    return f"{part / whole:.2f} ({part}/{whole})" if whole else "-"
