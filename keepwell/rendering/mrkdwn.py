"""Slack's way of marking text up."""

from __future__ import annotations


def escaped(text: str) -> str:
    """Plain text for Slack, where &, < and > would have a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
