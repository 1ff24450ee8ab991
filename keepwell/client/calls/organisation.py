"""Calls of organisation. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from typing import Literal

from keepwell.api.v1.organisation import OrganisationAnswer, OrganisationShown
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, endpoint


class OrganisationCalls(Group[Sender]):
    """Calls of organisation."""

    @endpoint
    def change(
        self,
        *,
        if_match: str | None = None,
        name: str | Omitted = OMITTED,
        product: str | Omitted = OMITTED,
        time_zone: str | Omitted = OMITTED,
        currency: str | Omitted = OMITTED,
        sender_name: str | Omitted = OMITTED,
        sender_address: str | Omitted = OMITTED,
        postal_address: str | Omitted = OMITTED,
        booking_url: str | Omitted = OMITTED,
        app_url: str | Omitted = OMITTED,
        consent_required: bool | Omitted = OMITTED,
        country: str | Omitted = OMITTED,
        subdivision: str | Omitted = OMITTED,
        quiet_from: str | Omitted = OMITTED,
        quiet_until: str | Omitted = OMITTED,
        business_days: str | Omitted = OMITTED,
        daily_cap: int | Omitted | None = OMITTED,
        customer_cap_day: int | Omitted | None = OMITTED,
        customer_cap_week: int | Omitted | None = OMITTED,
        new_playbooks: Literal["automatic", "draft"] | Omitted = OMITTED,
    ) -> Call[OrganisationAnswer]:
        """Change fields, all of them or none; what is left out stays."""
        return Call(
            "PATCH",
            "/api/v1/organisation",
            OrganisationAnswer,
            body={
                "name": name,
                "product": product,
                "time_zone": time_zone,
                "currency": currency,
                "sender_name": sender_name,
                "sender_address": sender_address,
                "postal_address": postal_address,
                "booking_url": booking_url,
                "app_url": app_url,
                "consent_required": consent_required,
                "country": country,
                "subdivision": subdivision,
                "quiet_from": quiet_from,
                "quiet_until": quiet_until,
                "business_days": business_days,
                "daily_cap": daily_cap,
                "customer_cap_day": customer_cap_day,
                "customer_cap_week": customer_cap_week,
                "new_playbooks": new_playbooks,
            },
            headers={"If-Match": if_match},
        )

    @endpoint
    def get(self) -> Call[OrganisationShown]:
        """Who the organisation is, for messages and clocks."""
        return Call("GET", "/api/v1/organisation", OrganisationShown)
