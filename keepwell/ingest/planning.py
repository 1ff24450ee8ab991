"""Makes the plan for a file: which column becomes what, with every mistake found before the first row."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError

from keepwell.ingest.cells import Cell, Kind
from keepwell.ingest.known import known_metrics
from keepwell.ingest.mapping import ALL_OTHERS, Mapping, Source
from keepwell.ingest.plan import BAGS, Plan, Problems
from keepwell.ingest.rows import MODELS, TEXT, fields_of, required_of
from keepwell.ingest.sources import UNITS, Reader, columns_of, plain_reader, reader, unit_factor
from keepwell.ingest.suggest import did_you_mean
from scoring.scorecard import Scorecard
from scoring.units import Unit


def make_plan(
    kind: Kind,
    columns: Sequence[str],
    mapping: Mapping | None,
    scorecard: Scorecard,
    *,
    file: str,
    is_text: bool,
    beside: Sequence[Scorecard] = (),
) -> Plan:
    """The plan for one file. InputError that lists everything the mapping or the header has wrong.

    `beside` are the scorecards computed beside the one in force, whose metrics are taken too.
    """
    planner = _Planner(
        kind=kind,
        columns=columns,
        mapping=mapping or Mapping(),
        scorecard=scorecard,
        beside=beside,
        file=file,
        is_text=is_text,
    )
    return planner.plan()


class _Planner:
    def __init__(
        self,
        *,
        kind: Kind,
        columns: Sequence[str],
        mapping: Mapping,
        scorecard: Scorecard,
        beside: Sequence[Scorecard],
        file: str,
        is_text: bool,
    ) -> None:
        self.kind, self.columns, self.mapping, self.scorecard = kind, columns, mapping, scorecard
        self.beside, self.file, self.is_text = beside, file, is_text
        self.empty = frozenset({"", *(word.strip() for word in mapping.empty)})
        self.problems = Problems()
        self.used: set[str] = set()
        # The bag is a field only where a JSON object brings it whole.
        self.bag = BAGS.get(kind, "")
        self.targets = tuple(name for name in fields_of(kind) if name != self.bag)

    def plan(self) -> Plan:
        self._check_kind()
        constants = self._constants()
        fields = [*self._mapped(), *self._by_name(constants)]
        metrics = self._metrics()
        facts = self._facts()
        self._check_ignored()
        self._check_rest(facts)
        self._check_required({*constants, *(field.field for field in fields)}, wide=bool(metrics))
        self.problems.raise_any()
        known = None if self.is_text else self._known()
        return Plan(fields, metrics, facts, constants, known=known, is_text=self.is_text, bag=self.bag)

    def _known(self) -> frozenset[str] | None:
        everything = ALL_OTHERS in (*self.mapping.ignore, *self.mapping.facts)
        own = {self.bag} - {""}
        return None if everything else frozenset({*self.used, *self.mapping.ignore, *self.targets, *own})

    def _check_kind(self) -> None:
        if self.mapping.kind not in (None, self.kind):
            self.problems.add(
                self.mapping.place("kind"), f"the mapping is for {self.mapping.kind}, not for {self.kind}"
            )
        if self.mapping.metrics and self.kind is not Kind.METRICS:
            self.problems.add(self.mapping.place("metrics"), f"a file of {self.kind} has no metrics")
        if self.mapping.facts and not self.bag:
            self.problems.add(
                self.mapping.place("facts"), f"only customers and events have facts, {self.kind} have none"
            )

    def _target(self, part: str, name: str) -> bool:
        if name in self.targets:
            return True
        reason = f"{self.kind} have no field {name!r}{did_you_mean(name, self.targets)}"
        self.problems.add(self.mapping.place(part, name), f"{reason}; they have {', '.join(self.targets)}")
        return False

    def _constants(self) -> dict[str, Cell]:
        made: dict[str, Cell] = {}
        for name, value in self.mapping.constants.items():
            if not self._target("constants", name):
                continue
            if name in self.mapping.columns:
                self.problems.add(self.mapping.place("constants", name), "is under [columns], too; keep one")
            # A constant is TOML, where a number is a number: integers came in as floats.
            whole = isinstance(value, float) and value.is_integer() and name != "value"
            made[name] = int(value) if whole else value
            self._check_constant(name, made[name])
        return made

    def _check_constant(self, name: str, value: Cell) -> None:
        try:
            # The other fields are missing here, which is no matter: only this one's errors are looked at.
            MODELS[self.kind].model_validate({name: value}, context=TEXT if self.is_text else None)
        except ValidationError as error:
            for item in error.errors(include_url=False):
                if item["loc"] == (name,):
                    self.problems.add(self.mapping.place("constants", name), f"{value!r} {item['msg']}")

    def _mapped(self) -> list[Reader]:
        made = []
        for name, source in self.mapping.columns.items():
            if not (self._target("columns", name) and self._has_columns("columns", name, source)):
                continue
            if source.unit is not None:
                self.problems.add(
                    self.mapping.place("columns", name, "unit"), "only metrics have units; use scale"
                )
            if source.yes_no is not None and name != "active":
                self.problems.add(
                    self.mapping.place("columns", name, "yes_no"),
                    f"{name} is not a yes or no; use categories",
                )
            made.append(reader(name, source, empty=self.empty, is_text=self.is_text, yes=True, no=False))
        return made

    def _by_name(self, constants: dict[str, Cell]) -> list[Reader]:
        taken = {*constants, *self.mapping.columns, *self.mapping.ignore, *self.mapping.facts}
        targets = self.targets
        # An event's data may stand in one cell, as JSON.
        if self.bag and (not self.is_text or self.kind is Kind.EVENTS):
            targets = (*targets, self.bag)
        if self.mapping.metrics:
            targets = tuple(name for name in targets if name not in ("metric", "value"))
        own = [name for name in self.columns if name in targets and name not in taken]
        self.used.update(own)
        return [plain_reader(name, name, self.empty) for name in own]

    def _has_columns(self, part: str, name: str, source: Source) -> bool:
        wanted = columns_of(source)
        missing = [column for column in wanted if column not in self.columns]
        for column in missing:
            self._missing(self.mapping.place(part, name), column)
        self.used.update(wanted)
        return not missing

    def _missing(self, place: str, column: str) -> None:
        looked = "" if self.is_text else " (in its first 1,000 lines)"
        self.problems.add(
            place,
            f"{self.file} has no column {column!r}{did_you_mean(column, self.columns)}",
            f"The file's columns{looked}: {', '.join(self.columns)}",
        )

    def _metrics(self) -> list[Reader]:
        made = []
        known = known_metrics(self.scorecard, self.beside)
        for name, source in self.mapping.metrics.items():
            if name not in known:
                self.problems.add(
                    self.mapping.place("metrics", name),
                    f"scorecard {self.scorecard.name} has no metric {name!r}{did_you_mean(name, known)}",
                    self._metrics_there(),
                )
            elif self._has_columns("metrics", name, source):
                made.append(self._metric(name, source, known[name].unit))
        if self.mapping.metrics:
            for clash in ("metric", "value"):
                if clash in self.mapping.columns or clash in self.mapping.constants:
                    self.problems.add(
                        self.mapping.place("columns", clash),
                        "goes with rows of one metric, not with [metrics.*]",
                    )
        return made

    def _metrics_there(self) -> str:
        theirs = (f"; those of {one.name}: {', '.join(one.metric_names)}" for one in self.beside)
        return f"Its metrics: {', '.join(self.scorecard.metric_names)}{''.join(theirs)}"

    def _metric(self, name: str, source: Source, unit: Unit) -> Reader:
        if source.template is not None:
            self.problems.add(self.mapping.place("metrics", name), "a metric is a number, not a template")
        wrong = [word for word, value in (source.categories or {}).items() if not isinstance(value, float)]
        if wrong:
            self.problems.add(
                self.mapping.place("metrics", name, "categories"),
                f"a metric's categories are numbers; {wrong[0]!r} is not",
            )
        if source.yes_no is not None and source.count_yes is None and unit not in (Unit.YES_NO, Unit.PERCENT):
            self.problems.add(
                self.mapping.place("metrics", name, "yes_no"),
                f"gives 1 or 0, or 100 or 0 percent, but the unit of {name} is {unit}; use categories",
            )
        yes = 100.0 if unit is Unit.PERCENT else 1.0
        factor = self._factor(name, source, unit)
        return reader(name, source, empty=self.empty, is_text=self.is_text, yes=yes, no=0.0, factor=factor)

    def _factor(self, name: str, source: Source, unit: Unit) -> float:
        if source.unit is None:
            return 1.0
        factor = unit_factor(source.unit, unit)
        if factor is None:
            known = "" if source.unit in UNITS else f"{did_you_mean(source.unit, UNITS)}"
            self.problems.add(
                self.mapping.place("metrics", name, "unit"),
                f"{source.unit!r} cannot be turned into {unit}, the unit of {name}{known}",
            )
        return factor or 1.0

    def _facts(self) -> list[Reader]:
        if not self.bag:
            return []
        prefix = f"{self.bag}."
        named = [column for column in self.mapping.facts if column != ALL_OTHERS]
        for column in named:
            if column not in self.columns:
                self._missing(self.mapping.place("facts"), column)
        prefixed = [c for c in self.columns if c.startswith(prefix) and len(c) > len(prefix)]
        if ALL_OTHERS in self.mapping.facts:
            named += [
                c for c in self.columns if c not in {*self.used, *named, *prefixed, *self.mapping.ignore}
            ]
        self.used.update(named, prefixed)
        return [
            plain_reader(column.removeprefix(prefix) if column in prefixed else column, column, self.empty)
            for column in dict.fromkeys([*named, *prefixed])
        ]

    def _check_ignored(self) -> None:
        for column in self.mapping.ignore:
            if column != ALL_OTHERS and column not in self.columns:
                self._missing(self.mapping.place("ignore"), column)

    def _check_rest(self, facts: list[Reader]) -> None:
        if ALL_OTHERS in self.mapping.ignore:
            return
        known = {*self.used, *self.mapping.ignore, *(fact.column for fact in facts)}
        more = f", or under `facts` to keep it with the {self.kind.value[:-1]}" if self.bag else ""
        for column in self.columns:
            if column in known:
                continue
            self.problems.add(
                f"{self.file}:1" if self.is_text else self.file,
                f"column {column!r} is none that {self.kind} have{did_you_mean(column, self.targets)}",
                f"They have: {', '.join(self.targets)}.\n"
                f"In a mapping, give it to a field under [columns], or list it under `ignore`{more}.",
            )

    def _check_required(self, given: set[str], *, wide: bool) -> None:
        for name in required_of(self.kind):
            if name in given or (wide and name in ("metric", "value")):
                continue
            self.problems.add(
                self.file,
                f"no column gives {name!r}, which all {self.kind} need",
                f'Name a column {name}, or say in a mapping which one it is: [columns] {name} = "…"',
            )
