"""The monitor: one pass over an organisation, at the configured interval."""

from temporalio import workflow

from activities.monitor import MonitorActivities
from activities.notices import NoticeActivities
from activities.pending import PendingActivities
from keepwell.contracts.alerts import (
    AlertsHanded,
    AlertsTold,
    MonitorCall,
    MonitorFigures,
    MonitorLook,
    MonitorRequest,
    MonitorSummary,
)
from keepwell.contracts.pending import TellCall
from workflows import policies


@workflow.defn(name="MonitorRun")
class MonitorRun:
    """Finds what has fallen silent, and brings alerts to their playbooks."""

    @workflow.run
    async def run(self, request: MonitorRequest) -> MonitorSummary:
        """One pass; made again as of the same moment, it finds nothing more.

        Where there is much to look at or to write, the pass takes turns: what is urgent by then comes first.
        """
        summary = MonitorSummary()
        while True:
            call = MonitorCall(organisation=request.organisation, as_of=request.as_of or workflow.now())
            summary, more = await _turn(call, summary)
            # What is left after so many turns is for the next pass.
            if not more or workflow.info().is_continue_as_new_suggested():
                return summary


async def _turn(call: MonitorCall, before: MonitorSummary) -> tuple[MonitorSummary, bool]:
    """Look, hand over, write figures for a while; the sums so far, and whether something is left."""
    found = await workflow.execute_activity_method(
        MonitorActivities.look_for_silence,
        call,
        start_to_close_timeout=policies.PARTITION_TIMEOUT,
        heartbeat_timeout=policies.HEARTBEAT,
        retry_policy=policies.STORE_RETRY,
    )
    if found.commands:
        await workflow.execute_activity_method(
            PendingActivities.tell_commands,
            TellCall(now=call.as_of),
            start_to_close_timeout=policies.PARTITION_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.SWEEP_RETRY,
        )
    figures, handed, told = MonitorFigures(), AlertsHanded(), AlertsTold()
    if found.pending:
        handed = await workflow.execute_activity_method(
            MonitorActivities.hand_over_alerts,
            call,
            start_to_close_timeout=policies.DISPATCH_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
        )
    if found.to_tell:
        told = await workflow.execute_activity_method(
            NoticeActivities.tell_alerts,
            call,
            start_to_close_timeout=policies.PARTITION_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.SWEEP_RETRY,
        )
    if found.figures_due:
        figures = await workflow.execute_activity_method(
            MonitorActivities.write_momentum_figures,
            call,
            start_to_close_timeout=policies.DISPATCH_TIMEOUT,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.STORE_RETRY,
        )
    return _sum(before, found, handed, told, figures), found.more or figures.more


def _sum(
    before: MonitorSummary,
    found: MonitorLook,
    handed: AlertsHanded,
    told: AlertsTold,
    figures: MonitorFigures,
) -> MonitorSummary:
    return MonitorSummary(
        raised=before.raised + found.raised,
        escalated=before.escalated + found.escalated,
        closed=before.closed + found.closed,
        handed_over=before.handed_over + handed.handed_over,
        failed=before.failed + found.failed + handed.failed + told.failed + figures.failed,
        figures=before.figures + figures.written,
        held=found.held,
        told=before.told + told.told,
    )
