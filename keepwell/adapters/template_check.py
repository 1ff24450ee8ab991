"""Every template that this installation would send with: is it there, and does it work?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keepwell.adapters.notice_renderer import TEMPLATES
from keepwell.contracts.playbook import Playbook
from keepwell.errors import ConfigurationError
from keepwell.rendering.audience import customer_templates, reads_as_customer
from keepwell.rendering.bundle import OWN_TEMPLATES, Bundle, load_bundle
from keepwell.rendering.edited import FRAME, MARK
from keepwell.rendering.guarded import check_bundle, is_own, render
from keepwell.rendering.sample import full_context


@dataclass(frozen=True)
class Fault:
    """A template that cannot be sent with, who names it (`critical@3`, "alerts"), and why it cannot."""

    name: str
    of: str
    error: ConfigurationError


@dataclass(frozen=True)
class Checked:
    """How many templates were looked at, which of them have a fault, and files that none of them uses."""

    count: int
    faults: tuple[Fault, ...]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class _Wanted:
    name: str
    of: str
    to_customers: bool


def check_templates(
    playbooks: Iterable[Playbook], folder: Path | None = None, *, thorough: bool = True
) -> Checked:
    """Check what these playbooks, the notices of alerts and edited emails are written with.

    `folder` is the users' own. Without `thorough`, templates that came with this Keepwell are only looked
    up: its tests have rendered them. Raises ConfigurationError where there is no such folder.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigurationError(
            f"There is no templates folder {str(folder)!r}.",
            hint="Correct KEEPWELL_TEMPLATES, or unset it: Keepwell brings templates of its own.",
        )
    folders = (*((folder,) if folder else ()), OWN_TEMPLATES)
    wanted, faults, used, loaded = list(_wanted(playbooks)), list[Fault](), set[str](), 0
    for one in wanted:
        try:
            bundle = load_bundle(one.name, folders)
            used.update(bundle.files)
            loaded += 1
            if thorough or not _known_to_work(bundle, one):
                _check(bundle, one)
        except ConfigurationError as error:
            faults.append(Fault(one.name, one.of, error))
    # Where one does not even load, nobody knows what it includes.
    return Checked(len(wanted), tuple(faults), _unused(folder, used) if loaded == len(wanted) else ())


def _wanted(playbooks: Iterable[Playbook]) -> Iterator[_Wanted]:
    every = tuple(playbooks)
    told = frozenset[str]().union(*map(customer_templates, every))
    named = {name: one.label for one in every for name in one.template_names}
    for name, label in sorted(named.items()):
        yield _Wanted(name, label, name in told)
    for name in sorted(TEMPLATES.values()):
        yield _Wanted(name, "alerts", False)
    yield _Wanted(FRAME, "edited emails", True)


def _known_to_work(bundle: Bundle, wanted: _Wanted) -> bool:
    """Ours, and read by whom it was written for: a playbook of the users' own may send it to others."""
    return is_own(bundle) and (not wanted.to_customers or reads_as_customer(bundle.name))


def _check(bundle: Bundle, wanted: _Wanted) -> None:
    check_bundle(bundle, to_customers=wanted.to_customers)
    if bundle.name != FRAME:
        return
    shown = render(bundle, full_context(), to_customers=True)
    if shown.text.count(MARK) != 1 or shown.html.count(MARK) != 1:
        raise ConfigurationError(
            f"Template {FRAME} has to say {MARK} once in its text and once in its MJML.",
            hint="What a person has changed goes there; without it, the email would lose it.",
        )


def _unused(folder: Path | None, used: set[str]) -> tuple[str, ...]:
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*.j2")) if folder else ()
    return tuple(sorted(set(files) - used))
