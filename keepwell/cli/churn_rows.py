"""The rows that churn commands learn from: a file's, or snapshots of our own customers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.cli.churn_options import Said, read_file
from keepwell.cli.desk import Desk, open_desk
from keepwell.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from keepwell.churn.registry import Origin
    from keepwell.churn.service import ChurnService
    from scoring.arrays import FloatArray
    from scoring.churn.mapping import Mapping, Settings


@dataclass(frozen=True)
class Rows:
    """What is learned from: a file's rows, or snapshots of our own customers."""

    frame: DataFrame
    mapping: Mapping
    origin: Origin
    duration: FloatArray | None


@contextmanager
def rows_of(file: Path | None, options: Said) -> Iterator[Rows]:
    """The rows to learn from."""
    from keepwell.churn.own import mapping_of  # noqa: PLC0415
    from keepwell.churn.registry import Origin  # noqa: PLC0415
    from scoring.churn.durations import months  # noqa: PLC0415  (loads scikit-learn)

    if file is None:
        options.refuse_without_file()
        with open_desk() as desk, table_errors("our own customers"):
            service = service_of(desk, None)
            ours = service.snapshots(desk.organisation.id, desk.now)
            source = f"{desk.organisation.name}, own customers as of {desk.now:%Y-%m-%d}"
            origin = Origin(source, "", service.window.days, ours.left_out)
            yield Rows(ours.frame, mapping_of(ours, service.window), origin, None)
        return
    table, mapping = read_file(file, options)
    with table_errors(table.file):
        stayed = months(table.frame, mapping.duration)[0] if mapping.duration else None
    origin = Origin(table.file, table.digest, options.window or 0, {})
    yield Rows(table.frame, mapping, origin, stayed)


def service_of(desk: Desk, settings: Settings | None) -> ChurnService:
    """The models of our own customers, with this installation's window."""
    from keepwell.churn.service import ChurnService  # noqa: PLC0415

    return ChurnService(desk.store, timedelta(days=desk.settings.churn_window_days), settings)


@contextmanager
def table_errors(source: str) -> Iterator[None]:
    """What the computing says of a table, with the table's name before it."""
    from scoring.churn.errors import TableError  # noqa: PLC0415

    try:
        yield
    except TableError as error:
        raise InputError(str(error), place=source) from error
