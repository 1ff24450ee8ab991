"""What activities need from the world. The store, channels and renderer implement these."""

from keepwell.ports.alerts import EventAlerts, Monitor, NoticeRenderer, Notices
from keepwell.ports.interventions import HandOver, Interventions, Playbooks, Steps
from keepwell.ports.outside import PendingCommands, Telling, WebhookCaller, WebhookRuns, Webhooks
from keepwell.ports.scoring import Churn, Opportunities, Scores, Transitions
from keepwell.ports.sending import ChannelAdapter, Directory, Drafts, Gate, Ledger, Look, Renderer

__all__ = [
    "ChannelAdapter",
    "Churn",
    "Directory",
    "Drafts",
    "EventAlerts",
    "Gate",
    "HandOver",
    "Interventions",
    "Ledger",
    "Look",
    "Monitor",
    "NoticeRenderer",
    "Notices",
    "Opportunities",
    "PendingCommands",
    "Playbooks",
    "Renderer",
    "Scores",
    "Steps",
    "Telling",
    "Transitions",
    "WebhookCaller",
    "WebhookRuns",
    "Webhooks",
]
