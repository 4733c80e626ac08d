"""Medians with their spread, and the lines of the results."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """A median and the quartiles around it."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values):
        values = sorted(values)
        if not values:
            raise ValueError("there is nothing to summarise")
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, lower, upper)

    def show(self, unit):
        if digits(self.lower) == digits(self.upper):
            return f"{digits(self.median)} {unit}"
        return f"{digits(self.median)} {unit} ({digits(self.lower)} to {digits(self.upper)})"


def digits(value):
    """Three significant digits, and at least all before the point."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    for limit, places in ((0.01, 4), (0.1, 3), (1, 3), (10, 2), (100, 1)):
        if magnitude < limit:
            return f"{value:.{places}f}"
    return f"{value:,.0f}"


def percentile(values, percent):
    """The smallest value that is at least as large as this share of all."""
    values = sorted(values)
    at = -(-len(values) * percent // 100)
    return values[max(0, min(len(values), int(at)) - 1)]


def proved(holds, count, needed):
    """Whether a goal that needs so many repetitions is met: not known before they are done, unless it is missed already."""
    return holds if count >= needed or not holds else None


@dataclass(frozen=True)
class Line:
    """A line of the results. `met` is None where there is no goal, or nothing to judge it by."""

    what: str
    here: str
    beside: str = ""
    goal: str = ""
    met: bool | None = None

    def row(self):
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.what} | {self.here} | {self.beside} | {self.goal} | {met} |"


@dataclass(frozen=True)
class Section:
    """A table of the results, with the text above it."""

    title: str
    text: str
    lines: list

    def markdown(self):
        head = "| | Sightline | beside | goal | met |\n|---|---|---|---|---|"
        return "\n".join([f"## {self.title}", "", self.text, "", head, *(line.row() for line in self.lines), ""])


def times_faster(ours, theirs):
    """How many times faster `ours` is, as a word for the table."""
    return f"{theirs / ours:.1f} times"


@dataclass(frozen=True)
class Table:
    """A table without goals."""

    title: str
    text: str
    head: list
    rows: list

    def markdown(self):
        lines = [f"| {' | '.join(cells)} |" for cells in [self.head, *self.rows]]
        lines.insert(1, "|---|" + "---:|" * (len(self.head) - 1))
        return "\n".join([f"## {self.title}", "", self.text, "", *lines, ""])
