"""What people do with webhooks: enter, rotate and remove endpoints, look at deliveries, replay them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, SQLModel, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from keepwell.contracts.base import Frozen
from keepwell.db.repositories import journal
from keepwell.db.repositories.bulk import put_mapped_in
from keepwell.db.repositories.lookup import insert_if_absent
from keepwell.db.repositories.pages import Page, down, page_of
from keepwell.db.repositories.views import by_part
from keepwell.db.repositories.webhooks import fail_waiting
from keepwell.db.repositories.webhooks_out import ALL, DEMO, delivery_row, is_demo, wanted_of
from keepwell.db.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from keepwell.errors import InputError, RefusedError
from keepwell.keys import new_id

MOST_ENDPOINTS = 20
"""Each event that they want is a row and a call for each of them."""

ROTATION = timedelta(hours=24)
"""How long the old secret signs beside the new one."""

AT_ONCE = 10_000
TEST = "webhook.test"
_Row = TypeVar("_Row", bound=SQLModel)


class EndpointLine(Frozen):
    """An endpoint in a list, without its secret; counts are of its deliveries."""

    id: str
    url: str
    kinds: tuple[str, ...]
    description: str
    active: bool
    stopped_why: str
    failing_since: datetime | None
    failures: int
    waiting: int
    delivered: int
    failed: int
    created_by: str
    created_at: datetime


class AttemptLine(Frozen):
    """One call of an endpoint."""

    at: datetime
    status: int | None
    milliseconds: int
    why: str


class DeliveryLine(Frozen):
    """One event for one endpoint; `attempts` are shown for a single one."""

    id: str
    endpoint: str
    url: str
    event: str
    kind: str
    replay: int
    state: str
    why: str
    calls: int
    created_at: datetime
    ended_at: datetime | None
    attempts: tuple[AttemptLine, ...] = ()


def add_endpoint(
    session: Session,
    organisation: str,
    *,
    url: str,
    kinds: Sequence[str],
    secret: str,
    description: str,
    by: str,
    now: datetime,
) -> WebhookEndpoint:
    """Enter an endpoint; it hears of what happens from now on.

    Raises InputError, and RefusedError for a URL that is entered already, too many, and a demo.
    """
    wanted = _kinds(kinds)
    if is_demo(session, organisation):
        raise RefusedError(f"{DEMO}.", hint="Enter it in an organisation of your own.")
    there = session.exec(_endpoints(organisation)).all()
    if any(one.url == url and one.active for one in there):
        raise RefusedError(
            f"{url} is entered already.", hint="See the list.", command="keepwell webhooks list"
        )
    if len(there) >= MOST_ENDPOINTS:
        raise RefusedError(f"There are {MOST_ENDPOINTS} endpoints already.", hint="Remove one first.")
    row = WebhookEndpoint(
        organisation_id=organisation,
        url=url,
        secret=secret,
        kinds={"wanted": list(wanted)},
        description=description,
        created_by=by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    _note(session, row, "added", f"Webhook {url} was added for {', '.join(wanted)}", by, now)
    return row


def remove_endpoint(session: Session, organisation: str, text: str, *, by: str, now: datetime) -> str:
    """Remove an endpoint for good; what waits for it has failed. Its URL.

    Raises NotFoundError, InputError.
    """
    row = find_endpoint(session, organisation, text)
    row.active, row.removed_at, row.stopped_why = False, now, f"removed by {by}"
    session.add(row)
    session.flush()
    fail_waiting(session, [row.id], f"The endpoint was removed by {by}", now)
    _note(session, row, "removed", f"Webhook {row.url} was removed", by, now)
    return row.url


def rotate_secret(
    session: Session, organisation: str, text: str, secret: str, *, by: str, now: datetime
) -> datetime:
    """Let a new secret sign, and the old one beside it until the moment that is given back."""
    row = find_endpoint(session, organisation, text)
    row.old_secret, row.old_secret_until, row.secret = row.secret, now + ROTATION, secret
    session.add(row)
    _note(session, row, "rotated", f"Webhook {row.url} has a new secret", by, now)
    return now + ROTATION


def stop(session: Session, organisation: str, text: str, *, by: str, now: datetime) -> str:
    """Let an endpoint hear of nothing until it is started again; what waits for it has failed. Its URL."""
    row = find_endpoint(session, organisation, text)
    if not row.active:
        raise RefusedError(f"{row.url} is stopped already: {row.stopped_why}.")
    row.active, row.stopped_why = False, f"stopped by {by}"
    session.add(row)
    session.flush()
    fail_waiting(session, [row.id], f"The endpoint was stopped by {by}", now)
    _note(session, row, "stopped", f"Webhook {row.url} was stopped", by, now)
    return row.url


def restart_endpoint(session: Session, organisation: str, text: str, *, by: str, now: datetime) -> str:
    """Let an endpoint that was stopped hear of what happens from now on; its URL."""
    row = find_endpoint(session, organisation, text)
    if row.active:
        raise RefusedError(f"{row.url} is not stopped.")
    row.active, row.stopped_why, row.failures, row.failing_since = True, "", 0, None
    session.add(row)
    _note(session, row, "started", f"Webhook {row.url} was started again", by, now)
    return row.url


def endpoints(session: Session, organisation: str) -> tuple[EndpointLine, ...]:
    """The endpoints that are not removed, the oldest first."""
    count = select(WebhookDelivery.endpoint_id, WebhookDelivery.state, func.count())
    found = session.exec(
        count.where(WebhookDelivery.organisation_id == organisation).group_by(
            WebhookDelivery.endpoint_id, WebhookDelivery.state
        )
    ).all()
    counts = Counter({(endpoint, state): number for endpoint, state, number in found})
    return tuple(
        EndpointLine(
            **row.model_dump(include=set(EndpointLine.model_fields) - {"kinds"}),
            kinds=wanted_of(row.kinds),
            waiting=counts[row.id, "waiting"],
            delivered=counts[row.id, "delivered"],
            failed=counts[row.id, "failed"],
        )
        for row in session.exec(_endpoints(organisation))
    )


def deliveries(
    session: Session,
    organisation: str,
    *,
    state: str | None = None,
    endpoint: str | None = None,
    limit: int,
    cursor: str = "",
) -> Page[DeliveryLine]:
    """The deliveries, the newest first, of a state and an endpoint where one is named.

    Raises NotFoundError for an endpoint that there is not, InputError for a cursor of another list.
    """
    query = select(WebhookDelivery).where(WebhookDelivery.organisation_id == organisation)
    if state is not None:
        query = query.where(WebhookDelivery.state == state)
    if endpoint is not None:
        query = query.where(WebhookDelivery.endpoint_id == find_endpoint(session, organisation, endpoint).id)
    keys = [down(WebhookDelivery.created_at, datetime), down(WebhookDelivery.id, str)]
    rows, following = page_of(session, query, keys, cursor=cursor, limit=limit)
    places = session.exec(
        select(WebhookEndpoint.id, WebhookEndpoint.url).where(
            col(WebhookEndpoint.id).in_({row.endpoint_id for row in rows})
        )
    ).all()
    urls = dict(places)
    return Page(items=tuple(_line(row, urls[row.endpoint_id]) for row in rows), next=following)


def delivery(session: Session, organisation: str, text: str) -> DeliveryLine:
    """One delivery with its calls. Raises NotFoundError, InputError."""
    row = find_delivery(session, organisation, text)
    calls = session.exec(
        select(WebhookAttempt)
        .where(WebhookAttempt.delivery_id == row.id)
        .order_by(col(WebhookAttempt.at), col(WebhookAttempt.id))
    ).all()
    shown = tuple(
        AttemptLine(at=one.at, status=one.status, milliseconds=one.milliseconds, why=one.why) for one in calls
    )
    line = _line(row, session.get_one(WebhookEndpoint, row.endpoint_id).url)
    return line.model_copy(update={"attempts": shown})


def replay(session: Session, organisation: str, text: str, now: datetime, *, by: str) -> str:
    """Send one event to its endpoint again; the new delivery's id. Raises RefusedError, NotFoundError."""
    row = find_delivery(session, organisation, text)
    endpoint = session.get_one(WebhookEndpoint, row.endpoint_id)
    if not endpoint.active:
        raise RefusedError(
            f"{endpoint.url} is stopped: {endpoint.stopped_why}.",
            hint="Start it again.",
            command="keepwell webhooks start ID",
        )
    if row.state == "waiting":
        raise RefusedError(
            "It is on its way already.",
            hint="See it among the deliveries.",
            command="keepwell webhooks deliveries",
        )
    new = _again(session, [row], now)[0]
    _note(session, endpoint, "replayed", f"1 event ({row.kind}) is sent to {endpoint.url} again", by, now)
    return new


def replay_failed(
    session: Session, organisation: str, since: datetime, endpoint: str | None, now: datetime, *, by: str
) -> int:
    """Send again what failed since a moment and was not sent again yet; how many deliveries.

    Only of endpoints that are active; at most 10,000, the oldest first.
    """
    newest = (
        select(
            WebhookDelivery.endpoint_id.label("endpoint"),  # type: ignore[attr-defined]  # a column
            WebhookDelivery.event_id.label("event"),  # type: ignore[attr-defined]
            func.max(WebhookDelivery.replay).label("replay"),
        )
        .where(WebhookDelivery.organisation_id == organisation, col(WebhookDelivery.created_at) >= since)
        .group_by(WebhookDelivery.endpoint_id, WebhookDelivery.event_id)
        .subquery()
    )
    query = (
        select(WebhookDelivery)
        .join(
            newest,
            (newest.c.endpoint == WebhookDelivery.endpoint_id)
            & (newest.c.event == WebhookDelivery.event_id)
            & (newest.c.replay == WebhookDelivery.replay),
        )
        .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
        .where(WebhookDelivery.state == "failed", col(WebhookEndpoint.active))
        .order_by(col(WebhookDelivery.created_at), col(WebhookDelivery.id))
    )
    if endpoint is not None:
        query = query.where(WebhookDelivery.endpoint_id == find_endpoint(session, organisation, endpoint).id)
    rows = session.exec(query.limit(AT_ONCE)).all()
    for own, count in sorted(Counter(row.endpoint_id for row in rows).items()):
        place = session.get_one(WebhookEndpoint, own)
        what = f"What failed since {since:%Y-%m-%d %H:%M} UTC is sent to {place.url} again: {count:,}"
        _note(session, place, "replayed", what, by, now)
    return len(_again(session, rows, now))


def plan_test(session: Session, endpoint: WebhookEndpoint, by: str, now: datetime) -> str:
    """A delivery of a made-up event for this endpoint alone; no run takes it. Its id."""
    event = journal.line(
        key=f"webhook/{endpoint.id}/test/{new_id()}",
        organisation=endpoint.organisation_id,
        kind=TEST,
        text=f"A test of the webhook {endpoint.url}",
        at=now,
        by=by,
        data={"endpoint": endpoint.id},
    )
    insert_if_absent(session, "event", event)
    row = delivery_row(endpoint.organisation_id, endpoint.id, event["id"], TEST, now, identity=new_id())
    put_mapped_in(session, "webhook_delivery", [{**row, "handed_at": now}])
    return str(row["id"])


def find_endpoint(session: Session, organisation: str, text: str) -> WebhookEndpoint:
    """An endpoint by its id, the end or beginning of it, or its URL. Raises NotFoundError, InputError."""
    ours = _endpoints(organisation)
    by_url = session.exec(ours.where(WebhookEndpoint.url == text.strip())).first()
    return by_url or by_part(session, ours, WebhookEndpoint.id, text, "endpoint", "keepwell webhooks list")


def find_delivery(session: Session, organisation: str, text: str) -> WebhookDelivery:
    """A delivery by its id, or the end or beginning of it. Raises NotFoundError, InputError."""
    ours = select(WebhookDelivery).where(WebhookDelivery.organisation_id == organisation)
    return by_part(session, ours, WebhookDelivery.id, text, "delivery", "keepwell webhooks deliveries")


def _endpoints(organisation: str) -> SelectOfScalar[WebhookEndpoint]:
    query = select(WebhookEndpoint).where(
        WebhookEndpoint.organisation_id == organisation, col(WebhookEndpoint.removed_at).is_(None)
    )
    return query.order_by(col(WebhookEndpoint.id))


def _kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(one.strip() for one in kinds if one.strip()))
    for one in wanted:
        if one != ALL and not (one[0].isalpha() and one.replace(".", "").replace("_", "").isalnum()):
            raise InputError(
                f"{one!r} is no beginning of a kind of event.",
                hint="For example: alert. intervention. delivery. or * for all; the journal shows kinds.",
                command="keepwell events",
            )
    return wanted or (ALL,)


def _again(session: Session, rows: Sequence[WebhookDelivery], now: datetime) -> list[str]:
    new = []
    for row in rows:
        newest = select(func.max(WebhookDelivery.replay)).where(
            WebhookDelivery.endpoint_id == row.endpoint_id, WebhookDelivery.event_id == row.event_id
        )
        number = (session.exec(newest).one() or 0) + 1
        new.append(
            delivery_row(
                row.organisation_id, row.endpoint_id, row.event_id, row.kind, now, number, identity=new_id()
            )
        )
    put_mapped_in(session, "webhook_delivery", new)
    return [str(one["id"]) for one in new]


def _line(row: WebhookDelivery, url: str) -> DeliveryLine:
    return DeliveryLine(
        id=row.id,
        endpoint=row.endpoint_id,
        url=url,
        event=row.event_id,
        kind=row.kind,
        replay=row.replay,
        state=row.state,
        why=row.why,
        calls=row.attempts,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _note(session: Session, row: WebhookEndpoint, what: str, text: str, by: str, now: datetime) -> None:
    journal.write(
        session,
        key=f"webhook/{row.id}/{what}/{new_id()}",
        organisation=row.organisation_id,
        kind=f"webhook.{what}",
        text=text,
        at=now,
        by=by,
        data={"endpoint": row.id},
    )
