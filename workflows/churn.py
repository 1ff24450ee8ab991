"""Churn models on a Schedule: training anew, and predicting every night."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.churn import ChurnActivities
from keepwell.contracts.churn import ChurnCall, ChurnPredicted, ChurnRequest, ChurnSummary
from workflows import policies


@workflow.defn(name="RetrainChurn")
class RetrainChurn:
    """Trains a model, takes it into use if it is better than the one in use, and predicts."""

    @workflow.run
    async def run(self, request: ChurnRequest) -> ChurnSummary:
        """One training; whatever becomes of it, the model that is then in use predicts."""
        call = _call(request)
        try:
            trained = await workflow.execute_activity_method(
                ChurnActivities.train_churn_model,
                call,
                start_to_close_timeout=policies.CHURN_TIMEOUT,
                heartbeat_timeout=policies.CHURN_HEARTBEAT,
                retry_policy=policies.CHURN_RETRY,
            )
        except ActivityError as error:
            if not is_cancelled_exception(error):
                await _predict(call)
            # The run still fails: a training that broke is seen in the Temporal UI and by the doctor.
            raise
        return ChurnSummary(trained=trained, predicted=await _predict(call))


@workflow.defn(name="PredictChurn")
class PredictChurn:
    """Predicts for every customer with the model in use."""

    @workflow.run
    async def run(self, request: ChurnRequest) -> ChurnSummary:
        """One night's predictions."""
        return ChurnSummary(trained=None, predicted=await _predict(_call(request)))


def _call(request: ChurnRequest) -> ChurnCall:
    return ChurnCall(organisation=request.organisation, as_of=request.as_of or workflow.now(), by=request.by)


async def _predict(call: ChurnCall) -> ChurnPredicted:
    return await workflow.execute_activity_method(
        ChurnActivities.predict_churn,
        call,
        start_to_close_timeout=policies.CHURN_TIMEOUT,
        heartbeat_timeout=policies.CHURN_HEARTBEAT,
        retry_policy=policies.CHURN_RETRY,
    )
