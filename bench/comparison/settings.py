"""What was asked for on the command line, and what one section tells another."""

from dataclasses import dataclass, field


@dataclass
class Settings:
    """`scale` makes the measurement shorter or longer."""

    scale: float = 1.0
    invocations: int = 2000
    uploads: int = 400
    images: tuple = (100_000,)
    most_pictures: int = 10_000
    found: dict = field(default_factory=dict)

    def rounds(self, usual):
        return max(2, round(usual * self.scale))

    def times(self, usual):
        return max(5, round(usual * self.scale))
