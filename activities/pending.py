"""The activity that tells runs what came from outside, so that nothing depends on `keepwell serve`."""

import logging

from temporalio import activity

from keepwell.contracts.pending import TellCall, Told
from keepwell.errors import ServerUnavailableError
from keepwell.ports import Telling

log = logging.getLogger(__name__)


class PendingActivities:
    """Tells commands that wait."""

    def __init__(self, teller: Telling) -> None:
        self._teller = teller

    @activity.defn
    async def tell_commands(self, call: TellCall) -> Told:
        """Bring commands from buttons, replies and pages to their runs."""
        try:
            return await self._teller.tell(call.now)
        except ServerUnavailableError as error:
            # Nothing is lost, and the next pass comes soon: what else this pass has to do must not wait.
            log.warning("Commands wait: %s", error.message)
            return Told()
