"""All tables of the store."""

from keepwell.db.tables.alerts import Alert, AlertRule, EngagementEvent, MonitorState, Watch
from keepwell.db.tables.arrivals import InboundMessage, PendingCommand, ProviderEvent
from keepwell.db.tables.churn import ChurnModel, ChurnPrediction
from keepwell.db.tables.health import (
    Health,
    Metric,
    MetricLatest,
    Score,
    ScoreBeside,
    Scorecard,
    ScorecardBeside,
    ScorePartition,
    ScoreRun,
    Transition,
)
from keepwell.db.tables.interventions import Document, Intervention, InterventionStep, Task, TaskComment
from keepwell.db.tables.journal import Event
from keepwell.db.tables.manners import ClosedDay, ContactPreference, KillSwitch, PlaybookMode, Suppression
from keepwell.db.tables.messages import Delivery, InAppNotification, OutboxMessage, Template
from keepwell.db.tables.opportunities import Offer, Opportunity
from keepwell.db.tables.outgoing import (
    AlertChannel,
    Draft,
    Notice,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from keepwell.db.tables.people import Absence, Contact, Customer, Organisation, Staff

__all__ = [
    "Absence",
    "Alert",
    "AlertChannel",
    "AlertRule",
    "ChurnModel",
    "ChurnPrediction",
    "ClosedDay",
    "Contact",
    "ContactPreference",
    "Customer",
    "Delivery",
    "Document",
    "Draft",
    "EngagementEvent",
    "Event",
    "Health",
    "InAppNotification",
    "InboundMessage",
    "Intervention",
    "InterventionStep",
    "KillSwitch",
    "Metric",
    "MetricLatest",
    "MonitorState",
    "Notice",
    "Offer",
    "Opportunity",
    "Organisation",
    "OutboxMessage",
    "PendingCommand",
    "PlaybookMode",
    "ProviderEvent",
    "Score",
    "ScoreBeside",
    "ScorePartition",
    "ScoreRun",
    "Scorecard",
    "ScorecardBeside",
    "Staff",
    "Suppression",
    "Task",
    "TaskComment",
    "Template",
    "Transition",
    "Watch",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
