"""All tables of the store."""

from keepwell.db.tables.access import (
    Account,
    ApiKey,
    IdempotentAnswer,
    KnownBrowser,
    SavedView,
    WebSession,
)
from keepwell.db.tables.alerts import Alert, AlertRule, EngagementEvent, MonitorState, Watch
from keepwell.db.tables.arrivals import InboundMessage, PendingCommand, ProviderEvent
from keepwell.db.tables.churn import ChurnModel, ChurnPrediction
from keepwell.db.tables.client import ClientInsight
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
from keepwell.db.tables.live import LiveChange
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
from keepwell.db.tables.portfolio import Portfolio, PortfolioDay, PortfolioMetricDay

__all__ = [
    "Absence",
    "Account",
    "Alert",
    "AlertChannel",
    "AlertRule",
    "ApiKey",
    "ChurnModel",
    "ChurnPrediction",
    "ClientInsight",
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
    "IdempotentAnswer",
    "InAppNotification",
    "InboundMessage",
    "Intervention",
    "InterventionStep",
    "KillSwitch",
    "KnownBrowser",
    "LiveChange",
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
    "Portfolio",
    "PortfolioDay",
    "PortfolioMetricDay",
    "ProviderEvent",
    "SavedView",
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
    "WebSession",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
