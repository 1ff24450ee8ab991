"""The console: pages that the server renders. They read; whatever they do goes through the API."""

from fastapi import APIRouter

from keepwell.console import (
    alerts,
    audit,
    calendar,
    customer,
    me,
    offers,
    opportunities,
    outbox,
    panels,
    playbooks,
    portfolio,
    portfolio_csv,
    rehearsing,
    search,
    settings,
    settings_alerts,
    settings_people,
    sign_in,
    success,
    today,
)

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    me.router,
    today.router,
    search.router,
    customer.router,
    panels.router,
    portfolio.router,
    portfolio_csv.router,
    alerts.router,
    offers.router,
    opportunities.router,
    # A fixed path before the one with a name in it.
    rehearsing.router,
    playbooks.router,
    success.router,
    calendar.router,
    outbox.router,
    audit.router,
    settings.router,
    settings_alerts.router,
    settings_people.router,
)
