"""What churn models predicted for customers, for whoever ranks or warns of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from keepwell.db.repositories.live import About, tell
from keepwell.db.repositories.lookup import table
from keepwell.db.repositories.portfolio_write import write_predictions
from keepwell.db.tables import ChurnPrediction

_KEYS = ("customer_id", "at")
_KEPT = ("id", "organisation_id", *_KEYS)
BLOCK = 500


def keep(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write predictions, each with all columns; those of the same customer and moment are replaced."""
    connection = session.connection()
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table("churn_prediction"))
    new = {name: statement.excluded[name] for name in ChurnPrediction.model_fields if name not in _KEPT}
    statement = statement.on_conflict_do_update(index_elements=_KEYS, set_=new)
    for start in range(0, len(rows), BLOCK):
        block = [dict(row) for row in rows[start : start + BLOCK]]
        write_predictions(session, block)
        connection.execute(statement, block)
    for organisation in sorted({str(row["organisation_id"]) for row in rows}):
        ours = [str(row["customer_id"]) for row in rows if row["organisation_id"] == organisation]
        tell(session, organisation, About.CHURN, ours)


def latest(session: Session, customers: Iterable[str]) -> dict[str, ChurnPrediction]:
    """The newest prediction of each of these customers that has one, by the customer's id."""
    wanted = list(dict.fromkeys(customers))
    found: dict[str, ChurnPrediction] = {}
    for start in range(0, len(wanted), BLOCK):
        block = wanted[start : start + BLOCK]
        newest = (
            select(col(ChurnPrediction.customer_id), func.max(col(ChurnPrediction.at)).label("at"))
            .where(col(ChurnPrediction.customer_id).in_(block))
            .group_by(col(ChurnPrediction.customer_id))
            .subquery()
        )
        query = select(ChurnPrediction).join(
            newest,
            (col(ChurnPrediction.customer_id) == newest.c.customer_id)
            & (col(ChurnPrediction.at) == newest.c.at),
        )
        found |= {row.customer_id: row for row in session.exec(query)}
    return found
