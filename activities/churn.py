"""Activities of churn models: training and predicting, each one long computation in a thread."""

from __future__ import annotations

from temporalio import activity

from keepwell.contracts.churn import ChurnCall, ChurnPredicted, ChurnTrained
from keepwell.ports import Churn


class ChurnActivities:
    """Trains on the organisation's own customers, and predicts for them."""

    def __init__(self, churn: Churn) -> None:
        self._churn = churn

    @activity.defn(no_thread_cancel_exception=True)
    def train_churn_model(self, call: ChurnCall) -> ChurnTrained:
        """Train a model and take it into use if it is better; the same moment again trains none."""
        return self._churn.train(call)

    @activity.defn(no_thread_cancel_exception=True)
    def predict_churn(self, call: ChurnCall) -> ChurnPredicted:
        """Predict for every customer with the model in use; the same moment again replaces."""
        return self._churn.predict(call)
