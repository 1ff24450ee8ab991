"""What the churn commands share: the options that say what a table's columns mean, and the table itself."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from keepwell.errors import InputError

if TYPE_CHECKING:
    from keepwell.churn.files import Source
    from scoring.churn.mapping import Mapping, Settings

Target = Annotated[str | None, typer.Option(help="The column that says whether the customer left.")]
Churned = Annotated[
    list[str] | None,
    typer.Option(help="A value of it that means left; may be given again (unset: yes, 1, true, churned)."),
]
Id = Annotated[str | None, typer.Option("--id", help="The column that names the customer; never a feature.")]
Duration = Annotated[
    str | None, typer.Option(help="The column with the months a customer has stayed, for the time to churn.")
]
Drop = Annotated[list[str] | None, typer.Option(help="A column to leave out; may be given again.")]
Keep = Annotated[
    list[str] | None, typer.Option(help="A column to use in spite of a finding; may be given again.")
]
Group = Annotated[
    str | None, typer.Option(help="Rows that share this column stay on one side of every split.")
]
Time = Annotated[
    str | None,
    typer.Option(help="The column with the day a row was measured; splits go by time. Needs --window."),
]
Window = Annotated[
    int | None, typer.Option(min=1, help="Days after --time within which leaving was looked for.")
]
Measured = Annotated[
    str | None,
    typer.Option(
        help="The column with the last day that a row's features know of; a row that knows of more than "
        "--window-start is refused."
    ),
]
WindowStart = Annotated[
    str | None,
    typer.Option(help="The column with the day after which leaving was looked for (unset: --time)."),
]
Folds = Annotated[int, typer.Option(min=2, max=20, help="Parts that take turns being judged.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed and rows give the same figures.")]
Jobs = Annotated[int, typer.Option(min=1, max=64, help="Processes at once; they change no figure.")]
Quick = Annotated[
    bool, typer.Option("--quick", help="Fewer trees and refits: a first look in a fraction of the time.")
]


@dataclass(frozen=True)
class Said:
    """The options about columns, as they were given."""

    target: str | None = None
    churned: tuple[str, ...] = ()
    customer: str | None = None
    duration: str | None = None
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    window: int | None = None
    measured: str | None = None
    window_start: str | None = None

    def refuse_without_file(self) -> None:
        """Raise InputError where one is given and no file: our own customers have no such columns."""
        given = [name for name, value in vars(self).items() if value]
        if given:
            option = "--id" if given[0] == "customer" else f"--{given[0].replace('_', '-')}"
            raise InputError("goes with a FILE; our own customers need no such option", place=option)

    def refuse_half_a_time(self) -> None:
        """Raise InputError where only one of --time and --window is given (0 days would let a model learn
        from answers that nobody knew yet), or only one of the days to compare."""
        if self.time is not None and self.window is None:
            raise InputError(
                f"within how many days after {self.time!r} was leaving looked for? Give --window DAYS",
                place="--time",
            )
        if self.window is not None and self.time is None:
            raise InputError(
                "counts from the day a row was measured. Give the column with that day, --time COLUMN",
                place="--window",
            )
        if self.measured is not None and self.window_start is None and self.time is None:
            raise InputError(
                f"from which day on was leaving looked for? Nothing may be known later than that day. Give "
                f"the column with it beside {self.measured!r}: --window-start COLUMN (or --time COLUMN)",
                place="--measured",
            )
        if self.window_start is not None and self.measured is None:
            raise InputError(
                "is compared with the last day that a row knows of. Give the column with that day, "
                "--measured COLUMN",
                place="--window-start",
            )


def said(
    target: str | None,
    churned: list[str] | None,
    customer: str | None,
    duration: str | None,
    drop: list[str] | None,
    keep: list[str] | None,
    group: str | None,
    time: str | None,
    window: int | None,
    measured: str | None,
    window_start: str | None,
) -> Said:
    """The options together."""
    lists = (tuple(churned or ()), tuple(drop or ()), tuple(keep or ()))
    return Said(
        target, lists[0], customer, duration, lists[1], lists[2], group, time, window, measured, window_start
    )


def read_file(path: Path, options: Said) -> tuple[Source, Mapping]:
    """The table and what its columns mean. InputError that names the file, the column and what is right."""
    from keepwell.churn.files import check_columns, check_target, read_table  # noqa: PLC0415
    from scoring.churn.mapping import Mapping  # noqa: PLC0415

    options.refuse_half_a_time()
    source = read_table(path)
    if options.target is None:
        columns = ", ".join(str(name) for name in source.frame.columns)
        raise InputError(
            "which column says that a customer left? Give --target COLUMN",
            place=source.file,
            hint=f"The file's columns: {columns}",
        )
    plain = Mapping(target=options.target)
    mapping = Mapping(
        target=options.target,
        churned=options.churned or plain.churned,
        customer=options.customer,
        duration=options.duration,
        drop=options.drop,
        keep=options.keep,
        group=options.group,
        time=options.time,
        window_days=options.window or 0,
        measured=options.measured,
        window_start=(options.window_start or options.time) if options.measured else None,
    )
    check_columns(source, mapping)
    check_target(source, mapping, given=bool(options.churned))
    return source, mapping


def settings_of(*, folds: int = 5, seed: int = 42, jobs: int = 1, quick: bool = False) -> Settings:
    """How to train and judge."""
    from scoring.churn.mapping import Settings  # noqa: PLC0415

    if quick:
        return Settings(seed=seed, folds=folds, inner=3, refits=4, trees=60, jobs=jobs, repeats=2)
    return Settings(seed=seed, folds=folds, jobs=jobs)


def is_quick(settings: Settings) -> bool:
    """Whether these are the settings of a first look."""
    return settings == settings_of(folds=settings.folds, seed=settings.seed, jobs=settings.jobs, quick=True)


def name_of(path: Path, name: str | None) -> str:
    """The name of a file's models: as given, or made of the file's name.

    Raises:
        InputError: it cannot be a name, or is the one of our own customers' models.
    """
    from keepwell.churn.saved import OWN  # noqa: PLC0415

    made = name if name is not None else re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", made):
        raise InputError(
            f"{made!r} is no name: 1 to 60 lower-case letters, digits, '-' and '_'", place="--name"
        )
    if made == OWN:
        raise InputError(
            f"the name {OWN!r} is for the models of your own customers; give another --name", place="--name"
        )
    return made


def command_of(file: str | None, mapping: Mapping, settings: Settings) -> str:
    """The command that evaluates the same again."""
    words = ["keepwell churn evaluate"]
    if file is not None:
        words += [shlex.quote(file), "--target", shlex.quote(mapping.target)]
        standard = type(mapping)(target="").churned
        churned = () if mapping.churned == standard else mapping.churned
        several = (("--churned", churned), ("--drop", mapping.drop), ("--keep", mapping.keep))
        single = (("--id", mapping.customer), ("--duration", mapping.duration), ("--group", mapping.group))
        words += [f"{option} {shlex.quote(value)}" for option, values in several for value in values]
        words += [f"{option} {shlex.quote(value)}" for option, value in single if value is not None]
        if mapping.time is not None:
            words.append(f"--time {shlex.quote(mapping.time)} --window {mapping.window_days}")
        if mapping.measured is not None and mapping.window_start is not None:
            words.append(f"--measured {shlex.quote(mapping.measured)}")
            words.append(f"--window-start {shlex.quote(mapping.window_start)}")
    words.append(f"--folds {settings.folds} --seed {settings.seed}")
    if is_quick(settings):
        words.append("--quick")
    return " ".join(words)
