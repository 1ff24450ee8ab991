"""Which playbook is meant: the one in force of a name, a version of a module, or one that ran before."""

from __future__ import annotations

from pydantic import ValidationError
from sqlmodel import Session, col, select

from keepwell.contracts.playbook import Playbook
from keepwell.db.repositories.views import did_you_mean
from keepwell.db.tables import Intervention
from keepwell.errors import NotFoundError, StoreError
from keepwell.playbooks import PlaybookRegistry


def choose(registry: PlaybookRegistry, session: Session, organisation: str, wanted: str) -> Playbook:
    """The playbook of a name (the version in force) or of a label, `name@version`.

    A version that is in no module is found in the store where it ran before, with its own templates.

    Raises:
        NotFoundError: there is none; the error lists what there is.
        StoreError: it ran before, and this version of Keepwell cannot play it.
    """
    name, at, version = wanted.strip().lower().partition("@")
    if not at and name in registry.playbooks:
        return registry.playbooks[name]
    if at and f"{name}@{version}" in registry.versions:
        return registry.versions[f"{name}@{version}"]
    past = _past(session, organisation)
    if at and version.isdigit() and (name, int(version)) in past:
        return _of_the_past(registry, session, organisation, name, int(version))
    labels = [*registry.versions, *(f"{one}@{number}" for one, number in past)]
    labels = sorted(dict.fromkeys(labels))
    raise NotFoundError(
        f"There is no playbook {wanted!r}{did_you_mean(name, registry.playbooks)}.",
        hint=f"There are: {', '.join(labels)}. A draft of your own is in a module that has to be named.",
    )


def _past(session: Session, organisation: str) -> list[tuple[str, int]]:
    """Names and versions of the playbooks that ran."""
    query = (
        select(Intervention.playbook, Intervention.version)
        .where(Intervention.organisation_id == organisation)
        .distinct()
    )
    return sorted(session.exec(query).all())


def _of_the_past(
    registry: PlaybookRegistry, session: Session, organisation: str, name: str, version: int
) -> Playbook:
    query = (
        select(Intervention)
        .where(Intervention.organisation_id == organisation)
        .where(Intervention.playbook == name, Intervention.version == version)
        .order_by(col(Intervention.started_at).desc())
    )
    row = session.exec(query.limit(1)).one()
    try:
        playbook = Playbook.model_validate(row.definition)
    except ValidationError as error:
        problem = error.errors()[0]
        raise StoreError(
            f"{name}@{version} ran before, but this version of Keepwell cannot read it: {problem['msg']}."
        ) from error
    if playbook.workflow not in registry.workflows:
        raise StoreError(
            f"{playbook.label} ran before as {playbook.workflow}, which no module has any more.",
            hint="Name the module that has it.",
            command="keepwell rehearse … --module MODULE",
        )
    return playbook
