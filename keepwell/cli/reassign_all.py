"""`keepwell reassign` beside the runs: all customers of somebody who leaves, or one for whom nothing runs."""

from __future__ import annotations

from sqlmodel import Session, col, select

from keepwell.cli import words
from keepwell.cli.desk import Desk, open_desk, who
from keepwell.cli.output import plain, print_json, say
from keepwell.db.repositories.reassigning import customers_of_owner, reassign_customer
from keepwell.db.repositories.team import away
from keepwell.db.repositories.views import find_customer, find_person, intervention_by_id
from keepwell.db.tables import Customer, Intervention, Staff
from keepwell.errors import InputError, NotFoundError


def reassign_all(of: str, to: str, by: str | None, as_json: bool) -> None:
    """Give every active customer of one member of staff to another, each in a transaction of its own."""
    with open_desk() as desk:
        with desk.store.read() as session:
            before = find_person(session, desk.organisation.id, of, left=True)
            after = find_person(session, desk.organisation.id, to)
            if before.id == after.id:
                raise InputError(f"{after.name} cannot take over from {after.name}.", place="--to")
            customers = customers_of_owner(session, before.id)
            absent = away(session, session.get_one(Staff, after.id), desk.now)
        tasks = 0
        for customer in customers:
            with desk.store.write() as session:
                person = session.get_one(Staff, after.id)
                tasks += reassign_customer(session, customer, person, who(by), desk.now)
    if as_json:
        print_json({"from": before.name, "to": after.name, "customers": len(customers), "tasks": tasks})
        return
    count = words.count(len(customers), "customer")
    open_tasks = words.count(tasks, "open task")
    say(f"{count} and {open_tasks} of {plain(before.name)} are {plain(after.name)}'s now.")
    if absent:
        say(f"{plain(after.name)} is {absent}: whoever stands in has the tasks until then.", style="yellow")


def reassign_at_rest(target: str, staff: str, by: str | None, as_json: bool) -> bool:
    """Give the customer meant to somebody else, where no run has to hear of it; False where one has to."""
    with open_desk() as desk:
        with desk.store.read() as session:
            customer = _at_rest(session, desk, target)
            if customer is None:
                return False
            person = session.get_one(Staff, find_person(session, desk.organisation.id, staff).id)
            row = session.get_one(Customer, customer)
            name, there = row.name, row.owner_id == person.id
            absent = away(session, person, desk.now)
        tasks = 0
        if not there:
            with desk.store.write() as session:
                tasks = reassign_customer(session, customer, person, who(by), desk.now)
    if as_json:
        print_json({"customer": customer, "to": person.name, "tasks": tasks})
    elif there:
        say(f"{plain(name)} is {plain(person.name)}'s already.")
    else:
        count = words.count(tasks, "open task")
        say(f"{plain(name)} is {plain(person.name)}'s now, with {count}. No intervention runs.")
        if absent:
            say(
                f"{plain(person.name)} is {absent}: whoever stands in has the tasks until then.",
                style="yellow",
            )
    return True


def _at_rest(session: Session, desk: Desk, target: str) -> str | None:
    """The customer of that id or name, where nothing is open for it; None for anything else."""
    own = desk.organisation.id
    if intervention_by_id(session, own, target.strip().lstrip("…")) is not None:
        return None
    try:
        customer = find_customer(session, own, target)
    except NotFoundError:
        return None
    runs = select(Intervention.id).where(
        Intervention.customer_id == customer, col(Intervention.outcome).is_(None)
    )
    return customer if session.exec(runs.limit(1)).first() is None else None
