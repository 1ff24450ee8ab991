"""All tables of the store."""

from keepwell.db.tables.health import (
    Health,
    Metric,
    Score,
    Scorecard,
    ScorePartition,
    ScoreRun,
    Transition,
)
from keepwell.db.tables.interventions import Document, Intervention, InterventionStep, Task
from keepwell.db.tables.journal import Event
from keepwell.db.tables.messages import Delivery, InAppNotification, OutboxMessage, Template
from keepwell.db.tables.opportunities import Offer, Opportunity
from keepwell.db.tables.people import Contact, Customer, Organisation, Staff

__all__ = [
    "Contact",
    "Customer",
    "Delivery",
    "Document",
    "Event",
    "Health",
    "InAppNotification",
    "Intervention",
    "InterventionStep",
    "Metric",
    "Offer",
    "Opportunity",
    "Organisation",
    "OutboxMessage",
    "Score",
    "ScorePartition",
    "ScoreRun",
    "Scorecard",
    "Staff",
    "Task",
    "Template",
    "Transition",
]
