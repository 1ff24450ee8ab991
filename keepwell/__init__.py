"""Keepwell keeps customers well: health scores, playbooks and durable interventions."""

__version__ = "0.1.0"
