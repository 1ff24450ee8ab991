"""`keepwell score` and `keepwell metric`: new scores, and what follows from them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from keepwell.cli import words
from keepwell.cli.desk import By, Desk, Json, open_desk, who
from keepwell.cli.event import follow_alerts, print_alerts
from keepwell.cli.output import console, level_text, print_fields, print_json, say, tell
from keepwell.contracts.campaigns import WaitingCustomer
from keepwell.contracts.scoring import CustomerScored, ScoreSummary
from keepwell.db.repositories import journal, organisations
from keepwell.db.repositories.campaigns import OpportunityRepository
from keepwell.db.repositories.scores import ScoreRepository
from keepwell.db.repositories.views import find_customer
from keepwell.db.repositories.views_counts import Counts, counts
from keepwell.db.repositories.views_opportunities import opportunities
from keepwell.db.repositories.views_portfolio import customer_shown
from keepwell.db.repositories.views_portfolio_lines import PortfolioLine
from keepwell.db.repositories.views_transitions import Decision, decisions
from keepwell.errors import ConfigurationError, NotFoundError, ServerUnavailableError
from keepwell.ingest.importing import store_metric
from keepwell.keys import new_id
from keepwell.known_playbooks import all_playbooks
from scoring.levels import Level


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("score")(score)
    app.command("metric", context_settings={"ignore_unknown_options": True})(metric)


def score(by: By = None, as_json: Json = False) -> None:
    """Score every customer now and start what follows, through a worker."""
    from keepwell.cli import engine  # noqa: PLC0415  (loads Temporal, which reading commands do without)

    with open_desk() as desk:
        with desk.store.read() as session:
            numbers = counts(session, desk.organisation.id)
        if not numbers.customers:
            raise NotFoundError(
                "There is no customer to score.", hint="Import some: keepwell import customers FILE"
            )
        with console(stderr=True).status(f"Scoring {words.count(numbers.customers, 'customer')} …"):
            summary = engine.with_client(
                desk.settings,
                lambda client: engine.score_everybody(
                    client, desk.settings, desk.organisation.id, again=new_id()
                ),
            )
        with desk.store.write() as session:
            journal.write(
                session,
                key=f"score.run/{new_id()}",
                organisation=desk.organisation.id,
                kind="score.run",
                text=f"Everybody was scored: {words.count(summary.scored, 'customer')}, "
                f"{words.count(summary.transitions, 'change')} of level",
                at=desk.now,
                by=who(by),
            )
        with desk.store.read() as session:
            numbers = counts(session, desk.organisation.id)
        worst, best = _worst(desk, numbers), _best_baseline(desk)
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary, numbers, worst, best)


def _worst(desk: Desk, numbers: Counts) -> Level | None:
    """The gravest level that somebody is at and that has a playbook."""
    levels = (playbook.level for playbook in all_playbooks(desk.settings).values())
    return next((level for level in levels if level is not None and numbers.levels.get(level)), None)


def _best_baseline(desk: Desk) -> str:
    """The signal of the most urgent and valuable baseline; empty where there is none."""
    with desk.store.read() as session:
        found = opportunities(session, desk.organisation.id, states=("baseline",), limit=1).opportunities
    return found[0].signal if found else ""


def _print_summary(summary: ScoreSummary, numbers: Counts, worst: Level | None, best: str) -> None:
    say(
        f"{words.count(summary.customers, 'customer')} as of {summary.as_of:%d %b %Y %H:%M} UTC", style="bold"
    )
    print_fields(
        [
            ("scored", f"{summary.scored:,}"),
            ("too little data", f"{summary.insufficient:,}"),
            ("unusable data", f"{summary.rejected:,}"),
            ("changes of level", f"{summary.transitions:,}"),
            ("  started a playbook", f"{summary.started:,}"),
            ("  told a running one", f"{summary.signalled:,}"),
            ("  started nothing", f"{summary.refused:,}"),
            ("new opportunities", f"{summary.opportunities:,}"),
            ("  of a first score", f"{summary.baseline:,}"),
            ("campaigns started", f"{summary.campaigns:,}"),
        ]
    )
    levels = ", ".join(f"{number:,} {level.value}" for level, number in numbers.levels.items() if number)
    if levels:
        say(f"Now: {levels}.")
    if summary.insufficient or summary.rejected:
        say("Without a score: keepwell customers --insufficient", style="dim")
    if summary.transitions:
        say("What runs: keepwell interventions", style="dim")
    elif worst is not None:
        say(
            "A first score is a baseline and starts nothing. For those in trouble already: "
            f"keepwell enrol --level {worst.value} --limit 10",
            style="dim",
        )
    if summary.baseline and best:
        say(
            "Nor does an opportunity of a first score: keepwell opportunities --state baseline, and then "
            f"keepwell enrol --signal {best} --limit 10",
            style="dim",
        )


def metric(
    customer: Annotated[str, typer.Argument(help="Id (ours or yours), or the beginning of the name.")],
    name: Annotated[str, typer.Argument(help="The metric (keepwell scorecards show).")],
    value: Annotated[str, typer.Argument(help="The new value, as the scorecard counts it.")],
    measured_at: Annotated[str | None, typer.Option(help="When, in ISO 8601 (unset: now).")] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Store one value, score the customer at once, and start what follows."""
    with open_desk() as desk:
        with desk.store.read() as session:
            own = find_customer(session, desk.organisation.id, customer)
            before = customer_shown(session, desk.organisation.id, own, desk.now)
        with desk.store.write() as session:
            _, card = organisations.scorecard_of(session, desk.organisation.id, now=desk.now)
        store_metric(
            desk.store,
            desk.organisation.id,
            before.external_id,
            name,
            value,
            now=desk.now,
            scorecard=card,
            measured_at=measured_at,
            by=who(by),
        )
        scored = ScoreRepository(desk.store).score_customer(desk.organisation.id, own, desk.now)
        followed = _hand_over(desk, scored.transition) if scored.transition else None
        raised = follow_alerts(desk, own)
        repository = OpportunityRepository(desk.store)
        waiting = repository.waiting_of(own)
        started = waiting is not None and _start_campaign(desk, waiting)
        waiting = repository.waiting_of(own) if waiting is not None else None
    if as_json:
        found = waiting.opportunities if waiting is not None else ()
        print_json(
            {
                "scored": scored,
                "followed": followed,
                "alerts": raised,
                "opportunities": found,
                "campaign": started,
            }
        )
    else:
        _print_scored(before, scored, followed)
        print_alerts(desk, raised)
        _print_opportunities(desk, waiting, started)


def _hand_over(desk: Desk, transition: str) -> Decision:
    from keepwell.cli.handing_over import hand_over  # noqa: PLC0415  (loads Temporal)

    try:
        return hand_over(desk, lambda: (transition,))[0]
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The value is stored and scored; the change of level was not handed over. {error.message}",
            hint=f"{error.hint}\nThe worker hands it over by itself when it runs.",
        ) from error
    except ServerUnavailableError as error:
        # The value is stored and scored; the worker's sweep hands over what is left.
        tell(f"Note: {error.message} The change of level is handed over when a worker runs.", style="yellow")
        with desk.store.read() as session:
            return decisions(session, (transition,))[0]


def _start_campaign(desk: Desk, waiting: WaitingCustomer) -> bool:
    from keepwell.cli.handing_over import start_campaign  # noqa: PLC0415  (loads Temporal)

    if waiting.blocked(desk.now):
        # Nothing can begin, so no server is needed; the next sweep notes the reason.
        return False
    try:
        return start_campaign(desk, waiting)
    except ServerUnavailableError as error:
        tell(f"Note: {error.message} Campaigns start when a worker runs.", style="yellow")
        return False


def _print_opportunities(desk: Desk, waiting: WaitingCustomer | None, started: bool) -> None:
    if started:
        say("A campaign was handed over: keepwell opportunities")
    elif waiting is not None:
        why = waiting.blocked(desk.now) or waiting.opportunities[0].reason
        say(f"Opportunity: {waiting.opportunities[0].words}. " + (f"No campaign yet: {why}." if why else ""))


def _print_scored(before: PortfolioLine, scored: CustomerScored, followed: Decision | None) -> None:
    if scored.score is None:
        say(f"{before.name}: stored; too little data for a score ({scored.coverage:.0%} of the weight).")
        return
    was = f" (was {words.score(before.score)})" if before.score is not None else ""
    change = (
        Text.assemble(level_text(scored.previous), " → ", level_text(scored.level))
        if followed is not None
        else level_text(scored.level)
    )
    say(Text(before.name, style="bold"), f": score {words.score(scored.score)}{was}, ", change)
    if scored.baseline and followed is None:
        say("It is the first score by this scorecard, a baseline: it starts nothing.", style="dim")
    elif followed is None:
        say("The level has not changed: nothing follows.", style="dim")
    else:
        say(followed_words(followed))


def followed_words(one: Decision) -> str:
    """What a transition led to, in a sentence."""
    if one.decision == "started":
        return f"{one.reason}: keepwell intervention {words.tail(one.intervention)}"
    if one.decision is not None:
        return f"Nothing was started: {one.reason}."
    if one.handed == "signalled":
        return "The running playbook was told; a worker decides when it reads it."
    if one.handed is not None:
        return "Handed over; the playbook begins when a worker runs (keepwell worker)."
    return "Not handed over yet."
