"""What goes wrong with a scorecard, and where."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in a scorecard file: the file's name, the line (from 1) and the key, as `[table] key`."""

    file: str
    line: int
    key: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.key}".rstrip()


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its place, what is wrong there and what would be right."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class ScorecardError(ValueError):
    """A scorecard was refused. The message has one line per problem; `place` is that of the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)

    @property
    def place(self) -> Place:
        """Where the first problem is."""
        return self.problems[0].place

    def __reduce__(self) -> tuple[type["ScorecardError"], tuple[tuple[Problem, ...]]]:
        # Exceptions pickle by their args, which are the message here; batches may cross processes.
        return type(self), (self.problems,)
