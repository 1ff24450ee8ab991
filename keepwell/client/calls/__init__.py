"""The groups of calls, each loaded at its first use. By `python -m tests.client_calls`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic

from keepwell.client.core import Sender

if TYPE_CHECKING:
    from keepwell.client.calls.absences import AbsencesCalls
    from keepwell.client.calls.accounts import AccountsCalls
    from keepwell.client.calls.alert_channels import AlertChannelsCalls
    from keepwell.client.calls.alert_rules import AlertRulesCalls
    from keepwell.client.calls.alerts import AlertsCalls
    from keepwell.client.calls.analytics import AnalyticsCalls
    from keepwell.client.calls.churn_models import ChurnModelsCalls
    from keepwell.client.calls.client import ClientCalls
    from keepwell.client.calls.closed_days import ClosedDaysCalls
    from keepwell.client.calls.contacts import ContactsCalls
    from keepwell.client.calls.customer_success import CustomerSuccessCalls
    from keepwell.client.calls.customers import CustomersCalls
    from keepwell.client.calls.dashboard import DashboardCalls
    from keepwell.client.calls.deliveries import DeliveriesCalls
    from keepwell.client.calls.drafts import DraftsCalls
    from keepwell.client.calls.enrolments import EnrolmentsCalls
    from keepwell.client.calls.events import EventsCalls
    from keepwell.client.calls.feed import FeedCalls
    from keepwell.client.calls.health import HealthCalls
    from keepwell.client.calls.holidays import HolidaysCalls
    from keepwell.client.calls.interventions import InterventionsCalls
    from keepwell.client.calls.keys import KeysCalls
    from keepwell.client.calls.letters import LettersCalls
    from keepwell.client.calls.me import MeCalls
    from keepwell.client.calls.offers import OffersCalls
    from keepwell.client.calls.opportunities import OpportunitiesCalls
    from keepwell.client.calls.organisation import OrganisationCalls
    from keepwell.client.calls.outbox import OutboxCalls
    from keepwell.client.calls.playbooks import PlaybooksCalls
    from keepwell.client.calls.rehearsals import RehearsalsCalls
    from keepwell.client.calls.schedules import SchedulesCalls
    from keepwell.client.calls.scorecards import ScorecardsCalls
    from keepwell.client.calls.staff import StaffCalls
    from keepwell.client.calls.suppressions import SuppressionsCalls
    from keepwell.client.calls.switches import SwitchesCalls
    from keepwell.client.calls.tasks import TasksCalls
    from keepwell.client.calls.views import ViewsCalls
    from keepwell.client.calls.webhooks import WebhooksCalls
    from keepwell.client.importing import Ingest


class Groups(Generic[Sender]):
    """The API's endpoints, in groups."""

    def __init__(self, sender: Sender) -> None:
        self._sender: Sender = sender

    @cached_property
    def absences(self) -> AbsencesCalls[Sender]:
        """Calls of absences."""
        from keepwell.client.calls.absences import AbsencesCalls  # noqa: PLC0415

        return AbsencesCalls(self._sender)

    @cached_property
    def accounts(self) -> AccountsCalls[Sender]:
        """Calls of accounts."""
        from keepwell.client.calls.accounts import AccountsCalls  # noqa: PLC0415

        return AccountsCalls(self._sender)

    @cached_property
    def alert_channels(self) -> AlertChannelsCalls[Sender]:
        """Calls of alert channels."""
        from keepwell.client.calls.alert_channels import AlertChannelsCalls  # noqa: PLC0415

        return AlertChannelsCalls(self._sender)

    @cached_property
    def alert_rules(self) -> AlertRulesCalls[Sender]:
        """Calls of alert rules."""
        from keepwell.client.calls.alert_rules import AlertRulesCalls  # noqa: PLC0415

        return AlertRulesCalls(self._sender)

    @cached_property
    def alerts(self) -> AlertsCalls[Sender]:
        """Calls of alerts."""
        from keepwell.client.calls.alerts import AlertsCalls  # noqa: PLC0415

        return AlertsCalls(self._sender)

    @cached_property
    def analytics(self) -> AnalyticsCalls[Sender]:
        """Calls of analytics."""
        from keepwell.client.calls.analytics import AnalyticsCalls  # noqa: PLC0415

        return AnalyticsCalls(self._sender)

    @cached_property
    def churn_models(self) -> ChurnModelsCalls[Sender]:
        """Calls of churn models."""
        from keepwell.client.calls.churn_models import ChurnModelsCalls  # noqa: PLC0415

        return ChurnModelsCalls(self._sender)

    @cached_property
    def client(self) -> ClientCalls[Sender]:
        """Calls of client."""
        from keepwell.client.calls.client import ClientCalls  # noqa: PLC0415

        return ClientCalls(self._sender)

    @cached_property
    def closed_days(self) -> ClosedDaysCalls[Sender]:
        """Calls of closed days."""
        from keepwell.client.calls.closed_days import ClosedDaysCalls  # noqa: PLC0415

        return ClosedDaysCalls(self._sender)

    @cached_property
    def contacts(self) -> ContactsCalls[Sender]:
        """Calls of contacts."""
        from keepwell.client.calls.contacts import ContactsCalls  # noqa: PLC0415

        return ContactsCalls(self._sender)

    @cached_property
    def customer_success(self) -> CustomerSuccessCalls[Sender]:
        """Calls of customer success."""
        from keepwell.client.calls.customer_success import CustomerSuccessCalls  # noqa: PLC0415

        return CustomerSuccessCalls(self._sender)

    @cached_property
    def customers(self) -> CustomersCalls[Sender]:
        """Calls of customers."""
        from keepwell.client.calls.customers import CustomersCalls  # noqa: PLC0415

        return CustomersCalls(self._sender)

    @cached_property
    def dashboard(self) -> DashboardCalls[Sender]:
        """Calls of dashboard."""
        from keepwell.client.calls.dashboard import DashboardCalls  # noqa: PLC0415

        return DashboardCalls(self._sender)

    @cached_property
    def deliveries(self) -> DeliveriesCalls[Sender]:
        """Calls of deliveries."""
        from keepwell.client.calls.deliveries import DeliveriesCalls  # noqa: PLC0415

        return DeliveriesCalls(self._sender)

    @cached_property
    def drafts(self) -> DraftsCalls[Sender]:
        """Calls of drafts."""
        from keepwell.client.calls.drafts import DraftsCalls  # noqa: PLC0415

        return DraftsCalls(self._sender)

    @cached_property
    def enrolments(self) -> EnrolmentsCalls[Sender]:
        """Calls of enrolments."""
        from keepwell.client.calls.enrolments import EnrolmentsCalls  # noqa: PLC0415

        return EnrolmentsCalls(self._sender)

    @cached_property
    def events(self) -> EventsCalls[Sender]:
        """Calls of events."""
        from keepwell.client.calls.events import EventsCalls  # noqa: PLC0415

        return EventsCalls(self._sender)

    @cached_property
    def feed(self) -> FeedCalls[Sender]:
        """Calls of feed."""
        from keepwell.client.calls.feed import FeedCalls  # noqa: PLC0415

        return FeedCalls(self._sender)

    @cached_property
    def health(self) -> HealthCalls[Sender]:
        """Calls of health."""
        from keepwell.client.calls.health import HealthCalls  # noqa: PLC0415

        return HealthCalls(self._sender)

    @cached_property
    def holidays(self) -> HolidaysCalls[Sender]:
        """Calls of holidays."""
        from keepwell.client.calls.holidays import HolidaysCalls  # noqa: PLC0415

        return HolidaysCalls(self._sender)

    @cached_property
    def ingest(self) -> Ingest[Sender]:
        """Calls of ingest."""
        from keepwell.client.importing import Ingest  # noqa: PLC0415

        return Ingest(self._sender)

    @cached_property
    def interventions(self) -> InterventionsCalls[Sender]:
        """Calls of interventions."""
        from keepwell.client.calls.interventions import InterventionsCalls  # noqa: PLC0415

        return InterventionsCalls(self._sender)

    @cached_property
    def keys(self) -> KeysCalls[Sender]:
        """Calls of keys."""
        from keepwell.client.calls.keys import KeysCalls  # noqa: PLC0415

        return KeysCalls(self._sender)

    @cached_property
    def letters(self) -> LettersCalls[Sender]:
        """Calls of letters."""
        from keepwell.client.calls.letters import LettersCalls  # noqa: PLC0415

        return LettersCalls(self._sender)

    @cached_property
    def me(self) -> MeCalls[Sender]:
        """Calls of me."""
        from keepwell.client.calls.me import MeCalls  # noqa: PLC0415

        return MeCalls(self._sender)

    @cached_property
    def offers(self) -> OffersCalls[Sender]:
        """Calls of offers."""
        from keepwell.client.calls.offers import OffersCalls  # noqa: PLC0415

        return OffersCalls(self._sender)

    @cached_property
    def opportunities(self) -> OpportunitiesCalls[Sender]:
        """Calls of opportunities."""
        from keepwell.client.calls.opportunities import OpportunitiesCalls  # noqa: PLC0415

        return OpportunitiesCalls(self._sender)

    @cached_property
    def organisation(self) -> OrganisationCalls[Sender]:
        """Calls of organisation."""
        from keepwell.client.calls.organisation import OrganisationCalls  # noqa: PLC0415

        return OrganisationCalls(self._sender)

    @cached_property
    def outbox(self) -> OutboxCalls[Sender]:
        """Calls of outbox."""
        from keepwell.client.calls.outbox import OutboxCalls  # noqa: PLC0415

        return OutboxCalls(self._sender)

    @cached_property
    def playbooks(self) -> PlaybooksCalls[Sender]:
        """Calls of playbooks."""
        from keepwell.client.calls.playbooks import PlaybooksCalls  # noqa: PLC0415

        return PlaybooksCalls(self._sender)

    @cached_property
    def rehearsals(self) -> RehearsalsCalls[Sender]:
        """Calls of rehearsals."""
        from keepwell.client.calls.rehearsals import RehearsalsCalls  # noqa: PLC0415

        return RehearsalsCalls(self._sender)

    @cached_property
    def schedules(self) -> SchedulesCalls[Sender]:
        """Calls of schedules."""
        from keepwell.client.calls.schedules import SchedulesCalls  # noqa: PLC0415

        return SchedulesCalls(self._sender)

    @cached_property
    def scorecards(self) -> ScorecardsCalls[Sender]:
        """Calls of scorecards."""
        from keepwell.client.calls.scorecards import ScorecardsCalls  # noqa: PLC0415

        return ScorecardsCalls(self._sender)

    @cached_property
    def staff(self) -> StaffCalls[Sender]:
        """Calls of staff."""
        from keepwell.client.calls.staff import StaffCalls  # noqa: PLC0415

        return StaffCalls(self._sender)

    @cached_property
    def suppressions(self) -> SuppressionsCalls[Sender]:
        """Calls of suppressions."""
        from keepwell.client.calls.suppressions import SuppressionsCalls  # noqa: PLC0415

        return SuppressionsCalls(self._sender)

    @cached_property
    def switches(self) -> SwitchesCalls[Sender]:
        """Calls of switches."""
        from keepwell.client.calls.switches import SwitchesCalls  # noqa: PLC0415

        return SwitchesCalls(self._sender)

    @cached_property
    def tasks(self) -> TasksCalls[Sender]:
        """Calls of tasks."""
        from keepwell.client.calls.tasks import TasksCalls  # noqa: PLC0415

        return TasksCalls(self._sender)

    @cached_property
    def views(self) -> ViewsCalls[Sender]:
        """Calls of views."""
        from keepwell.client.calls.views import ViewsCalls  # noqa: PLC0415

        return ViewsCalls(self._sender)

    @cached_property
    def webhooks(self) -> WebhooksCalls[Sender]:
        """Calls of webhooks."""
        from keepwell.client.calls.webhooks import WebhooksCalls  # noqa: PLC0415

        return WebhooksCalls(self._sender)
