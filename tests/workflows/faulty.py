"""Many customers side by side, each with one thing that goes wrong, and what became of their messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from pydantic import SecretStr
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from keepwell.adapters.in_app import InApp
from keepwell.adapters.sendgrid import SendGrid
from keepwell.adapters.slack import Slack
from keepwell.adapters.smtp import Server, Smtp
from keepwell.contracts.delivery import Accepted, Found, Message
from keepwell.contracts.playbook import Channel
from keepwell.db.engine import Store
from keepwell.db.tables import Alert, Event
from keepwell.ports import ChannelAdapter
from tests.fakes.faults import Fault
from tests.fakes.sendgrid import KEY, FakeSendGrid
from tests.fakes.slack import TOKEN, FakeSlack
from tests.fakes.smtp import FakeSmtp
from tests.unit.adapters.messages import closed_port
from tests.workflows.stage import HOUR, Stage, stage

MAIL, ALERT = "executive_email", "alert_csm"
GIVES_UP = timedelta(seconds=2)
"""The deadline of an attempt at which the provider hangs."""

PATIENT = timedelta(seconds=4)
"""The deadline of the others: the machine may have other things to do."""

LEASE = timedelta(seconds=9)
"""More than twice as long, as a worker's is."""

AT_ONCE = 22
"""Customers that are played side by side: waiting costs little then, and one machine can do it."""

PATIENCE = 90.0
"""Seconds after which a run that does not get on is stuck."""

MOST_OF_AN_HOUR = timedelta(minutes=55)
"""A little less than what the letter may take; the alert in Slack may take two hours."""


@dataclass(frozen=True)
class Seen:
    """What became of a message: the ledger's state, the step's, and how often the provider has it.

    `instead` is how often an email went in Slack's place; `tasks` are kinds, `alerts` and `lines` texts.
    """

    delivery: str
    step: str
    taken: int
    instead: int
    tasks: tuple[str, ...]
    alerts: tuple[str, ...]
    lines: tuple[str, ...]


class ByAddress:
    """A channel with an adapter of its own for some recipients."""

    def __init__(self, usual: ChannelAdapter) -> None:
        self.usual = usual
        self.own: dict[str, ChannelAdapter] = {}

    def send(self, message: Message) -> Accepted:
        """Hand it to the recipient's adapter."""
        return self.own.get(message.recipient.address, self.usual).send(message)

    def find(self, key: str, address: str) -> Found:
        """Ask the same one."""
        return self.own.get(address, self.usual).find(key, address)


class Hurried:
    """Gives up soon at its first attempt, at which the provider hangs; after that it has time."""

    def __init__(self, make: Callable[[timedelta], ChannelAdapter]) -> None:
        self._next, self._patient = make(GIVES_UP), make(PATIENT)

    def send(self, message: Message) -> Accepted:
        """Hand it over, the first time in a hurry."""
        adapter, self._next = self._next, self._patient
        return adapter.send(message)

    def find(self, key: str, address: str) -> Found:
        """Ask the provider."""
        return self._patient.find(key, address)


@dataclass(frozen=True)
class Case:
    """A fault of one customer."""

    fault: Fault
    key: str

    @property
    def step(self) -> str:
        """The step whose message it is about."""
        return ALERT if self.fault.provider == "Slack" else MAIL

    @property
    def recipient(self) -> str:
        """The id of whoever gets it."""
        return f"{self.key}-owner" if self.fault.provider == "Slack" else f"{self.key}-0"

    @property
    def address(self) -> str:
        """Where it goes to."""
        return f"U{self.key}" if self.fault.provider == "Slack" else f"{self.recipient}@customer.example"

    @property
    def part(self) -> str:
        """What its key in the ledger contains, and no other."""
        return f"{self.step}/{self.recipient}/"


@dataclass
class Theatre:
    """The providers, the channels that lead to them, and a port on which nobody listens."""

    mail: FakeSendGrid
    slack: FakeSlack
    email: ByAddress
    chat: ByAddress
    servers: dict[str, FakeSmtp]
    closed: int

    def adapters(self, store: Store) -> dict[Channel, ChannelAdapter]:
        """What a worker would get from the settings."""
        return {Channel.EMAIL: self.email, Channel.SLACK: self.chat, Channel.IN_APP: InApp(store)}

    def prepare(self, case: Case) -> None:
        """Let the fault happen to its message, and to no other."""
        fault = case.fault
        match fault.provider:
            case "SendGrid":
                self.mail.script(path="mail/send", key=case.part, times=fault.times, **fault.act)
            case "Slack":
                self.slack.script(path="chat.postMessage", key=case.part, times=fault.times, **fault.act)
                if not fault.can_tell:
                    self.slack.script(path="conversations.history", key=f"D{case.key}", status=500)
            case "mail server" if fault.stage is not None:
                self.servers[case.key].upset(fault.stage, times=fault.times, **fault.act)

        def make(deadline: timedelta) -> ChannelAdapter:
            return self._adapter(case, deadline)

        channel = self.chat if fault.provider == "Slack" else self.email
        channel.own[case.address] = Hurried(make) if fault.hangs else make(PATIENT)

    def _adapter(self, case: Case, deadline: timedelta) -> ChannelAdapter:
        fault = case.fault
        nobody = f"http://127.0.0.1:{self.closed}" if fault.nobody else ""
        match fault.provider:
            case "SendGrid":
                url, options = nobody or self.mail.url, {"activity": fault.can_tell, "sandbox": fault.sandbox}
                return SendGrid(SecretStr(KEY), url, deadline=deadline, **options)
            case "Slack":
                url = f"{nobody}/api/" if nobody else self.slack.url
                return Slack(SecretStr(TOKEN), url, deadline=deadline)
            case "mail server":
                port = self.closed if fault.nobody else self.servers[case.key].port
                return Smtp(Server("127.0.0.1", port, "none"), deadline=deadline)

    def taken(self, case: Case) -> int:
        """How often the message's provider has accepted it."""
        match case.fault.provider:
            case "SendGrid":
                counts = self.mail.counts()
            case "Slack":
                counts = self.slack.counts()
            case "mail server":
                counts = self.servers[case.key].counts()
        return sum(count for key, count in counts.items() if case.part in key)


@contextmanager
def theatre(cases: Sequence[Case]) -> Iterator[Theatre]:
    """Providers over HTTP and SMTP, prepared for the cases."""
    with ExitStack() as stack:
        mail, slack = stack.enter_context(FakeSendGrid()), stack.enter_context(FakeSlack())
        own = [case for case in cases if case.fault.provider == "mail server"]
        servers = {case.key: stack.enter_context(FakeSmtp()) for case in own}
        usual = SendGrid(SecretStr(KEY), mail.url, activity=True, deadline=PATIENT)
        chat = Slack(SecretStr(TOKEN), slack.url, deadline=PATIENT)
        nobody = stack.enter_context(closed_port())
        found = Theatre(mail, slack, ByAddress(usual), ByAddress(chat), servers, nobody)
        for case in cases:
            found.prepare(case)
        yield found


async def played(faults: Sequence[Fault], store: Store, address: str) -> dict[str, Seen]:
    """Let each fault happen to a customer of its own in the critical playbook; what was seen, by fault."""
    cases = [Case(fault, f"F{number:02}") for number, fault in enumerate(faults)]
    with theatre(cases) as scene:
        async with stage(store, address, adapters=scene.adapters(store), lease=LEASE) as opened:
            turns = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(_play(opened, case, turns) for case in cases))
            seen = {case.fault.id: _seen(opened, scene, case) for case in cases}
    return seen


async def _play(opened: Stage, case: Case, turns: asyncio.Semaphore) -> None:
    """Until the step is over, which is an hour later at most for a letter, and two for an alert."""
    async with turns:
        await _play_now(opened, case)


async def _play_now(opened: Stage, case: Case) -> None:
    key = case.key
    # The other message of the first hour finds nobody, so that there is half as much to do.
    if case.step == ALERT:
        opened.customer(key, contacts=0, owner=opened.world.staff(case.recipient, slack=case.address))
    else:
        opened.customer(key, contacts=1, owner=opened.world.staff(f"{key}-owner", email=""))
    await opened.score(key, 12)
    rows = await opened.eventually(lambda: opened.interventions(key), bool, PATIENCE)
    run = rows[0]

    def waits() -> bool:
        return opened.steps(run.id)[case.step] == "planned"

    for length in () if case.fault.at_once else (MOST_OF_AN_HOUR, HOUR / 4, HOUR):
        await opened.forward(key, length)
        if not await asyncio.to_thread(waits):
            break
    await opened.eventually(waits, lambda still: not still, PATIENCE)
    await _end(opened.handle(key))


async def _end(handle: WorkflowHandle[object, object]) -> None:
    try:
        await handle.terminate("the test is over")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _seen(opened: Stage, scene: Theatre, case: Case) -> Seen:
    run, channel = opened.interventions(case.key)[0], "slack" if case.step == ALERT else "email"
    [row] = [one for one in opened.deliveries(case.key) if (one.step, one.channel) == (case.step, channel)]
    by_email = [key for key in scene.mail.counts().elements() if f"{ALERT}/{case.recipient}/email" in key]
    lines = [one for one in opened.rows(Event, intervention_id=run.id) if one.data.get("step") == case.step]
    alerts = [
        one.words
        for one in opened.rows(Alert, customer_id=case.key, trigger="deadline_missed")
        if one.evidence.get("step") == case.step
    ]
    return Seen(
        delivery=row.state,
        step=opened.steps(run.id)[case.step],
        taken=scene.taken(case),
        instead=len(by_email),
        tasks=tuple(task.kind for task in opened.tasks(case.key) if task.step == case.step),
        alerts=tuple(alerts),
        lines=tuple(f"{one.kind}: {one.text} ({one.why})" for one in lines),
    )
