"""The playbooks in force: found in modules that a setting names, ours the same way as users' own."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.playbook import Playbook
from keepwell.errors import ConfigurationError
from scoring.levels import Level
from scoring.signal import Signal

BUILT_IN = (
    "workflows.critical",
    "workflows.critical_1",
    "workflows.critical_2",
    "workflows.high_risk",
    "workflows.high_risk_1",
    "workflows.at_risk",
    "workflows.expansion",
    "workflows.expansion_short",
    "workflows.event",
    "workflows.event_1",
    "workflows.event_letters",
)


class PlaybookRegistry:
    """Implements the port `Playbooks`. `pin` stores a playbook's templates and fills in their hashes.

    Of each name, the version with the greatest number is in force (`playbooks`); `versions` has all of
    them by their labels. Those given as `instead` are in force whatever their number (rehearsals).
    """

    def __init__(
        self,
        modules: Iterable[str],
        pin: Callable[[Playbook], Playbook] | None = None,
        instead: Iterable[Playbook] = (),
    ) -> None:
        self._pin = pin
        self.playbooks: dict[str, Playbook] = {}
        self.versions: dict[str, Playbook] = {}
        self.workflows: dict[str, type] = {}
        for name in modules:
            self._read(name)
        for playbook in instead:
            # At the end, as the last one for a level is the one that counts.
            self.playbooks.pop(playbook.name, None)
            self.playbooks[playbook.name] = playbook
        for playbook in self.playbooks.values():
            if playbook.workflow not in self.workflows:
                known = ", ".join(sorted(self.workflows))
                raise ConfigurationError(
                    f"{playbook.label} names the workflow {playbook.workflow!r}, which no module has.",
                    hint=f"Define it beside the playbook, or name one of: {known}.",
                )

    def _read(self, name: str) -> None:
        try:
            module = importlib.import_module(name)
        except Exception as error:
            # Somebody else's module: whatever it does wrong is told, with its name.
            raise ConfigurationError(
                f"The playbook module {name!r} cannot be imported: {type(error).__name__}: {error}.",
                hint="KEEPWELL_PLAYBOOKS takes module names with commas between them.",
            ) from error
        found = [value for value in vars(module).values() if isinstance(value, Playbook)]
        if not found:
            raise ConfigurationError(
                f"The module {name!r} holds no playbook.",
                hint="It needs a value of type keepwell.contracts.playbook.Playbook.",
            )
        for playbook in found:
            self._add(name, playbook)
        for value in vars(module).values():
            definition = _workflow_name(value)
            if definition is not None:
                self._add_workflow(name, definition, value)

    def _add(self, module: str, playbook: Playbook) -> None:
        if self.versions.setdefault(playbook.label, playbook) != playbook:
            raise ConfigurationError(
                f"The module {module!r} has a {playbook.label} that differs from the one of another module.",
                hint=f"Give yours another version: {playbook.name}@{playbook.version + 1} would be in force.",
            )
        known = self.playbooks.get(playbook.name)
        if known is None or known.version < playbook.version:
            self.playbooks[playbook.name] = playbook

    def _add_workflow(self, module: str, definition: str, value: type) -> None:
        known = self.workflows.setdefault(definition, value)
        if known is not value:
            raise ConfigurationError(
                f"The module {module!r} has a workflow {definition!r}, as {known.__module__!r} has already.",
                hint="Give yours another name: running interventions are found by it.",
            )

    def for_level(self, level: Level) -> Playbook | None:
        """The current playbook for a risk level with its templates pinned, None where there is none."""
        return self._pinned([one for one in self.playbooks.values() if one.level is level])

    def for_signal(self, signal: Signal) -> Playbook | None:
        """The same for an expansion signal."""
        return self._pinned([one for one in self.playbooks.values() if one.signal is signal])

    def for_trigger(self, trigger: Trigger) -> Playbook | None:
        """The same for an alert's trigger."""
        return self._pinned([one for one in self.playbooks.values() if trigger in one.triggers])

    def _pinned(self, found: list[Playbook]) -> Playbook | None:
        """The last of them, which is a user's own before one of ours."""
        # A version of the past comes from the store with its templates pinned as they were then.
        if not found or found[-1].templates or self._pin is None:
            return found[-1] if found else None
        return self._pin(found[-1])


def playbooks_in_force(own: Iterable[str]) -> dict[str, Playbook]:
    """The playbooks in force by name, ours and those of the modules `own`; their templates are not pinned.

    The gravest level comes first; those for signals and alerts come last.
    """
    found = PlaybookRegistry((*BUILT_IN, *own)).playbooks
    return dict(sorted(found.items(), key=lambda item: -_gravity(item[1])))


def _gravity(playbook: Playbook) -> int:
    return -1 if playbook.level is None else playbook.level.severity


def _workflow_name(value: Any) -> str | None:
    definition = getattr(value, "__temporal_workflow_definition", None) if inspect.isclass(value) else None
    return definition.name if definition is not None and definition.cls is value else None
