"""Webhooks out: a pass that hands over what waits, and one small run for each event and endpoint."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from activities.webhooks import WebhookActivities
from keepwell.contracts.webhooks import WebhookCall, WebhookGivenUp, WebhookPass, WebhooksHanded
from workflows import policies

OVERTIME = timedelta(minutes=2)


@workflow.defn(name="HandOverWebhooks")
class HandOverWebhooks:
    """Starts runs for events that endpoints wait for, for some minutes."""

    @workflow.run
    async def run(self, request: WebhookPass) -> WebhooksHanded:
        """One pass; the Schedule starts the next as soon as it is over."""
        return await workflow.execute_activity_method(
            WebhookActivities.hand_over_webhooks,
            request,
            start_to_close_timeout=timedelta(seconds=request.seconds) + OVERTIME,
            heartbeat_timeout=policies.HEARTBEAT,
            retry_policy=policies.SWEEP_RETRY,
        )


@workflow.defn(name="DeliverWebhook")
class DeliverWebhook:
    """Brings one event to one endpoint."""

    @workflow.run
    async def run(self, call: WebhookCall) -> str:
        """Call until it is taken, for a day at most: delivered or failed."""
        try:
            return await workflow.execute_activity_method(
                WebhookActivities.call_webhook,
                call,
                start_to_close_timeout=policies.WEBHOOK_TIMEOUT,
                schedule_to_close_timeout=policies.WEBHOOK_WINDOW,
                retry_policy=policies.WEBHOOK_RETRY,
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            last = error.cause.message if isinstance(error.cause, ApplicationError) else ""
        why = f"It was not taken within {policies.WEBHOOK_WINDOW.total_seconds() / 3600:.0f} hours"
        given_up = WebhookGivenUp(
            organisation=call.organisation, delivery=call.delivery, why=f"{why}: {last}" if last else why
        )
        await workflow.execute_activity_method(
            WebhookActivities.give_up_webhook,
            given_up,
            start_to_close_timeout=policies.STORE_TIMEOUT,
            retry_policy=policies.STORE_RETRY,
        )
        return "failed"
