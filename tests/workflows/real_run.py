"""A real run with the reactions of a rehearsal's script: production parts on the real store of a stage.

Nothing of the package that rehearses takes part but the figures for a score and the reading of the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from keepwell.contracts.alerts import Trigger
from keepwell.contracts.commands import (
    Accept,
    Acknowledge,
    CommandBase,
    Complete,
    Decline,
    Pause,
    Reassign,
    Respond,
    Resume,
    Seen,
    Skip,
    Stop,
    Upgraded,
)
from keepwell.contracts.playbook import Family, Playbook
from keepwell.db.repositories.alerts import close_alert
from keepwell.db.tables import Alert, Intervention, Staff
from keepwell.keys import event_workflow_id
from keepwell.rehearsal.begin_event import FELL_TO
from keepwell.rehearsal.figures import move_to
from keepwell.rehearsal.gate import RecordingGate
from keepwell.rehearsal.play import Played, Refused, ScoreLine
from keepwell.rehearsal.reactions import (
    AcceptOffer,
    CauseGone,
    CompleteStep,
    DeclineOffer,
    PauseFor,
    Reaction,
    ReassignTo,
    Reply,
    ResumeNow,
    ScoreTo,
    Script,
    SeeOffer,
    SkipStep,
    StopNow,
    Upgrade,
)
from keepwell.rehearsal.telling import tell
from keepwell.rehearsal.timeline import Timeline
from tests.unit.db.world import CARD
from tests.workflows.rehearsal_world import KEY
from tests.workflows.stage import Stage

FAMILIES: tuple[Family, ...] = get_args(Family)
SOON = timedelta(seconds=1)
COMMANDS: dict[type, type[CommandBase]] = {
    Reply: Respond,
    PauseFor: Pause,
    ResumeNow: Resume,
    StopNow: Stop,
    SkipStep: Skip,
    CompleteStep: Complete,
    ReassignTo: Reassign,
    SeeOffer: Seen,
    AcceptOffer: Accept,
    DeclineOffer: Decline,
    Upgrade: Upgraded,
}
OVER = CauseGone.text


def middle(playbook: Playbook) -> float:
    """The middle of the level that a risk playbook is for."""
    tops = [100.0, *(band.lower for band in CARD.bands)]
    return next(
        (band.lower + top) / 2
        for band, top in zip(CARD.bands, tops, strict=False)
        if band.level is playbook.level
    )


@dataclass
class RealRun:
    """One real run: its stage and playbook, the gate that notes what it was asked, and the clocks' lead."""

    stage: Stage
    playbook: Playbook
    script: Script
    gate: RecordingGate
    ahead: dict[str, timedelta]

    async def play(self) -> Timeline:
        """From the beginning to the end, told from the store as a rehearsal is."""
        await self._begin()
        start = (await self.stage.opened(KEY)).started_at
        played = Played(start, start)
        acts: list[tuple[timedelta, Reaction | None]] = [(one.at, one) for one in self.script.in_order]
        # The CSM's habit; no campaign asks for it, and each script has one playbook that does.
        if self.script.acknowledge is not None and any(
            s.unless == "acknowledged" for s in self.playbook.steps
        ):
            acts.append((self.script.acknowledge, None))
        for at, reaction in sorted(acts, key=lambda act: act[0]):
            await self._until(start + at + SOON)
            await self._act(start, reaction, played)
        for family in self._families():
            await self.stage.until_end(KEY, family)
        played.now = datetime.now(UTC) + timedelta(days=400)
        return tell(self.stage.store, KEY, played, self.gate.asked, self.script, ())

    async def _begin(self) -> None:
        stage, playbooks = self.stage, self.stage.parts.playbooks.playbooks
        # The version under test is the one in force, as it was or is in production.
        playbooks.pop(self.playbook.name)
        playbooks[self.playbook.name] = self.playbook
        stage.clocks[KEY] = datetime.now(UTC)
        if self.playbook.level is not None:
            await self._figures(middle(self.playbook))
            return
        if self.playbook.triggers:
            await self._noticed()
            return
        now = stage.clocks[KEY]
        await asyncio.to_thread(stage.parts.scores.score_customer, stage.world.organisation, KEY, now)
        waiting = await asyncio.to_thread(stage.parts.opportunities.waiting_of, KEY)
        assert waiting is not None
        assert [one.signal for one in waiting.opportunities] == [self.playbook.signal]
        assert await stage.parts.hand_over.start_campaign(waiting, now)

    async def _noticed(self) -> None:
        """The customer's alert is handed over, as the monitor does; a fall of the score has figures first."""
        stage = self.stage
        stage.chains[KEY] = event_workflow_id(stage.world.organisation, KEY, self.playbook.name)
        if Trigger.CRITICAL_HEALTH in self.playbook.triggers:
            await self._figures(FELL_TO)
        alerts = stage.rows(Alert, customer_id=KEY, decision=None)
        (alert,) = [row for row in alerts if row.trigger in self.playbook.triggers]
        assert await stage.parts.hand_over.start_event(alert.id, stage.clocks[KEY])

    async def _over(self) -> None:
        """The cause of the alert is gone, and the monitor tells its playbook."""
        stage = self.stage
        (row,) = [row for row in self._rows() if row.family == "event"]
        now = stage.clocks[KEY]
        with stage.store.write() as session:
            close_alert(session, session.get_one(Alert, row.alert_id), OVER, now)
        assert await stage.parts.hand_over.end_events(stage.world.organisation, now) == 1
        await stage.handle(KEY, "event").result()

    async def _figures(self, points: float) -> ScoreLine:
        """Figures that give these points, scored and handed over as `keepwell metric` does."""
        stage, now = self.stage, self.stage.clocks[KEY]
        parts, organisation = stage.parts, stage.world.organisation
        await asyncio.to_thread(move_to, stage.store, organisation, KEY, points, now)
        scored = await asyncio.to_thread(parts.scores.score_customer, organisation, KEY, now)
        assert scored.transition is not None
        ahead = now - datetime.now(UTC)
        starts = "risk" not in self._families() and ahead > SOON
        if starts:
            # The run begins on the customer's clock, not on the real one.
            self.ahead[stage.handle(KEY).id] = ahead
        await parts.hand_over.hand_over(scored.transition, now)
        if starts:
            await stage.clock.forward_to(stage.handle(KEY), now)
        rows = await stage.eventually(
            lambda: stage.transitions(KEY), lambda rows: rows[-1].decision is not None
        )
        return ScoreLine(now, scored, rows[-1])

    def _rows(self) -> Sequence[Intervention]:
        return [row for row in self.stage.interventions(KEY) if row.outcome is None]

    def _families(self) -> list[Family]:
        """The families in which an intervention is open."""
        found = {row.family for row in self._rows()}
        return [family for family in FAMILIES if family in found]

    async def _until(self, moment: datetime) -> None:
        """Bring every run to a moment, and wait until nothing of them is under way."""
        stage = self.stage
        for family in self._families():
            handle = stage.handle(KEY, family)
            await stage.clock.forward_to(handle, moment)
            await stage.clock.settled(handle)
        stage.clocks[KEY] = moment

    async def _act(self, start: datetime, reaction: Reaction | None, played: Played) -> None:
        """What a person does, by the update that the command line uses, or what new figures bring about."""
        match reaction:
            case None:
                await self._tell(self.playbook.family, Acknowledge)
            case ScoreTo(points=points):
                played.scores.append(await self._figures(points))
                await self._taken_over()
            case CauseGone():
                await self._over()
            case _:
                families = self._families() or [self.playbook.family]
                family = families[0] if len(families) == 1 else "risk"
                try:
                    await self._tell(family, COMMANDS[type(reaction)], **_fields(reaction, start))
                except WorkflowUpdateFailedError as error:
                    why = error.cause.message if isinstance(error.cause, ApplicationError) else ""
                    played.refused.append(Refused(self.stage.clocks[KEY], reaction.words, why))

    async def _tell(self, family: Family, kind: type[CommandBase], **fields: Any) -> None:
        (row,) = [row for row in self._rows() if row.family == family]
        await self.stage.command(KEY, kind, by=self._owner(row), family=family, **fields)

    def _owner(self, row: Intervention) -> str:
        owners = self.stage.rows(Staff, id=row.owner_id)
        return str(owners[0].name) if owners else "the CSM"

    async def _taken_over(self) -> None:
        """Wait (in real time) for the first steps of a run that has begun with the change."""
        for family in self._families():
            await self.stage.clock.settled(self.stage.handle(KEY, family))


def _fields(reaction: Reaction, start: datetime) -> dict[str, Any]:
    """What the command needs besides who and whom: the reaction's own fields, with moments for lengths."""
    fields = reaction.model_dump(exclude={"at", "kind"})
    match reaction:
        case PauseFor(until=timedelta() as until):
            return {"until": start + until}
        case ReassignTo():
            return {"to": "omar", "to_name": "Omar Haddad"}
        case _:
            return fields
