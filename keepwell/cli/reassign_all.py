"""`keepwell reassign --from A --to B`: all customers of somebody who leaves, or hands them over."""

from __future__ import annotations

from keepwell.cli import words
from keepwell.cli.desk import open_desk, who
from keepwell.cli.output import plain, print_json, say
from keepwell.db.repositories.reassigning import customers_of_owner, reassign_customer
from keepwell.db.repositories.team import away
from keepwell.db.repositories.views import find_person
from keepwell.db.tables import Staff
from keepwell.errors import InputError


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
