"""Who acknowledges an alert has in hand what its playbook does, too."""

from __future__ import annotations

from keepwell.cli import words
from keepwell.cli.commands import deliver
from keepwell.cli.desk import Desk
from keepwell.contracts.commands import Acknowledge
from keepwell.db.repositories.commands_kept import waits_for_somebody
from keepwell.db.repositories.views_timeline import intervention_detail
from keepwell.errors import ConfigurationError, RefusedError, ServerUnavailableError
from keepwell.keys import new_id


def acknowledge_too(desk: Desk, intervention: str | None, by: str) -> tuple[str, str]:
    """Acknowledge the intervention that an alert began, so that it is not escalated.

    What its run answered, and what is left to do where it could not be told; both are empty where there is
    none, or none that runs and is not acknowledged already. The alert is acknowledged in any case.
    """
    if intervention is None or not _wants_it(desk, intervention):
        return "", ""
    with desk.store.read() as session:
        line = intervention_detail(session, intervention, desk.now).intervention
    try:
        answer = deliver(desk, line, Acknowledge(id=new_id(), intervention=intervention, by=by[:200]))
    except (ServerUnavailableError, ConfigurationError, RefusedError) as error:
        if not _wants_it(desk, intervention):
            # It has ended meanwhile, or the answer alone was lost.
            return "", ""
        short = words.tail(intervention)
        left = "The alert is acknowledged, but its playbook was not told, and may still escalate"
        return "", f"{left}: {error.message} What is left to do: keepwell acknowledge {short}"
    return answer.text if answer is not None else "", ""


def _wants_it(desk: Desk, intervention: str) -> bool:
    with desk.store.read() as session:
        return waits_for_somebody(session, intervention)
