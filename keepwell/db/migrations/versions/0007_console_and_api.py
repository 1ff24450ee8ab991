"""Console and API: who may come in, what the API remembers, figures by day, insights"""

import numpy as np
import sqlalchemy as sa
from alembic import op

import keepwell.db.tables.base
from keepwell.db.tables.base import JSON_COLUMN

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

_MOMENT = keepwell.db.tables.base.UtcDateTime(timezone=True)

# What pages ask for all day: by index, name, table, columns and which rows it holds (None: all).
_OF_PAGES = (
    ("ix_customer_alike", "customer", ["organisation_id", "active", "segment", "industry", "id", "plan"], None),
    ("ix_event_timeline", "event", ["customer_id", "at", "id"], None),
    ("ix_engagement_event_listed", "engagement_event", ["organisation_id", "at", "kind", "customer_id"], None),
    ("ix_inbound_message_listed", "inbound_message", ["organisation_id", "received_at"], None),
    ("ix_task_closed", "task", ["organisation_id", "closed_at"], sa.text("closed_at IS NOT NULL")),
    ("ix_intervention_answered", "intervention", ["organisation_id", "responded_at"],
     sa.text("responded_at IS NOT NULL")),
    ("ix_intervention_ended", "intervention", ["organisation_id", "ended_at"],
     sa.text("ended_at IS NOT NULL")),
    ("ix_intervention_open", "intervention", ["organisation_id", "customer_id"], sa.text("outcome IS NULL")),
    ("ix_task_open", "task", ["organisation_id", "due_at", "id"], sa.text("state = 'open'")),
    ("ix_offer_open", "offer", ["organisation_id", "valid_until"], sa.text("state IN ('offered', 'seen')")),
    (
        "ix_delivery_on_hold",
        "delivery",
        ["organisation_id", "state"],
        sa.text("state IN ('deferred', 'unknown')"),
    ),
)


def upgrade() -> None:
    _access()
    _insights()
    _portfolio()
    _live()
    # The journal is asked by customer, kind or person, never for everybody's lines by when things happened.
    op.drop_index("ix_event_at", "event")
    for name, table, columns, where in _OF_PAGES:
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in _OF_PAGES:
        op.drop_index(name, table)
    op.create_index("ix_event_at", "event", ["at"])
    op.drop_table("live_change")
    _portfolio_away()
    op.drop_table("insight")
    for table in ("saved_view", "idempotent_answer", "api_key", "known_browser", "web_session", "account"):
        op.drop_table(table)


def _access() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False),
        sa.Column("staff_id", sa.String(40), nullable=True),
        sa.Column("customer_id", sa.String(40), nullable=True),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(300), nullable=True),
        sa.Column("subject", sa.String(300), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("signed_in_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "email"),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_index("ix_account_email", "account", ["email"])
    op.create_index("ix_account_staff_id", "account", ["staff_id"])
    op.create_index("ix_account_customer_id", "account", ["customer_id"])
    op.create_table(
        "web_session",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(40), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("address", sa.String(60), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_web_session_account_id", "web_session", ["account_id"])
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])
    op.create_table(
        "known_browser",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(40), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", _MOMENT, nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id", "account_id"),
    )
    op.create_index("ix_known_browser_account_id", "known_browser", ["account_id"])
    op.create_index("ix_known_browser_expires_at", "known_browser", ["expires_at"])
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("secret", sa.String(64), nullable=False),
        sa.Column("scopes", JSON_COLUMN, nullable=False),
        sa.Column("customer_id", sa.String(40), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret"),
    )
    op.create_index("ix_api_key_organisation", "api_key", ["organisation_id"])
    op.create_index("ix_api_key_customer_id", "api_key", ["customer_id"])
    op.create_table(
        "idempotent_answer",
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("key", sa.String(250), nullable=False),
        sa.Column("route", sa.String(200), nullable=False),
        sa.Column("body", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", JSON_COLUMN, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id", "key"),
    )
    op.create_index("ix_idempotent_answer_created_at", "idempotent_answer", ["created_at"])
    op.create_table(
        "saved_view",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("account_id", sa.String(40), nullable=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organisation_id", "account_id", "name"),
    )
    op.create_index("ix_saved_view_organisation_id", "saved_view", ["organisation_id"])
    op.create_index("ix_saved_view_account_id", "saved_view", ["account_id"])


def _insights() -> None:
    op.create_table(
        "insight",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(40), nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("action_label", sa.String(80), nullable=False),
        sa.Column("action_url", sa.String(500), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("read_at", _MOMENT, nullable=True),
        sa.Column("dismissed_at", _MOMENT, nullable=True),
        sa.Column("acted_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("customer_id", "key"),
    )
    op.create_index("ix_insight_customer", "insight", ["customer_id", "created_at", "id"])
    op.create_index("ix_insight_expires", "insight", ["organisation_id", "expires_at"])


def _live() -> None:
    op.create_table(
        "live_change",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("txn", sa.BigInteger(), nullable=True),
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("about", sa.String(12), nullable=False),
        sa.Column("ids", JSON_COLUMN, nullable=False),
        sa.Column("kinds", JSON_COLUMN, nullable=False),
        sa.Column("number_of", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_live_change_txn", "live_change", ["txn"])
    op.create_index("ix_live_change_at", "live_change", ["at"])


_FOLLOWS = (
    *("name", "external_id", "active", "plan", "segment", "currency", "owner_id", "monthly_revenue"),
    *("renews_on", "left_on"),
)
"""Columns of `portfolio` that are those of `customer`."""
_LISTED = ("organisation_id", "customer_id", *_FOLLOWS, "here_since")
_SINCE = {
    "sqlite": "coalesce({row}.started_on, date({row}.created_at))",
    "postgresql": "coalesce({row}.started_on, CAST({row}.created_at AT TIME ZONE 'UTC' AS date))",
}


def _of_customer(row: str) -> list[str]:
    """What the columns of `_LISTED` are, of a row of `customer`."""
    since = _SINCE[op.get_bind().dialect.name].format(row=row)
    return [f"{row}.organisation_id", f"{row}.id", *(f"{row}.{name}" for name in _FOLLOWS), since]


def _portfolio_triggers() -> tuple[str, ...]:
    """Whoever writes to `customer`, the portfolio follows."""
    listed = ", ".join(_LISTED)
    replaced = ", ".join(f"{name} = excluded.{name}" for name in _LISTED[2:])
    upsert = f"ON CONFLICT (organisation_id, customer_id) DO UPDATE SET {replaced}"
    if op.get_bind().dialect.name == "sqlite":
        new = _of_customer("NEW")
        changes = ", ".join(f"{name} = {value}" for name, value in zip(_LISTED, new, strict=True))
        old = "organisation_id = OLD.organisation_id AND customer_id = OLD.id"
        watched = ("id", "organisation_id", *_FOLLOWS, "started_on", "created_at")
        after, before = (", ".join(f"{row}.{name}" for name in watched) for row in ("NEW", "OLD"))
        return (
            f"CREATE TRIGGER portfolio_insert AFTER INSERT ON customer BEGIN "
            f"INSERT INTO portfolio ({listed}, held) VALUES ({', '.join(new)}, '') {upsert}; END",
            # Most imports write what is there already; a row whose key is written moves, even to where it is.
            f"CREATE TRIGGER portfolio_update AFTER UPDATE OF {', '.join(watched)} ON customer "
            f"WHEN ({after}) IS NOT ({before}) BEGIN UPDATE portfolio SET {changes} WHERE {old}; END",
            f"CREATE TRIGGER portfolio_delete AFTER DELETE ON customer "
            f"BEGIN DELETE FROM portfolio WHERE {old}; END",
            "CREATE TRIGGER portfolio_held AFTER UPDATE OF level ON portfolio "
            "WHEN NEW.held <> coalesce(NEW.level, '') BEGIN UPDATE portfolio SET held = coalesce(NEW.level, '') "
            "WHERE organisation_id = NEW.organisation_id AND customer_id = NEW.customer_id; END",
        )
    new, same = _of_customer("n"), "p.organisation_id = n.organisation_id AND p.customer_id = n.id"
    changes = ", ".join(f"{name} = {value}" for name, value in zip(_LISTED[2:], new[2:], strict=True))
    differs = f"({', '.join(f'p.{name}' for name in _LISTED[2:])}) IS DISTINCT FROM ({', '.join(new[2:])})"
    work = {
        "insert": (
            f"INSERT INTO portfolio ({listed}, held) SELECT {', '.join(new)}, '' FROM rows_after n {upsert}",
            "NEW TABLE AS rows_after",
        ),
        # Who moves to another organisation is not a thing that happens.
        "update": (
            f"UPDATE portfolio p SET {changes} FROM rows_after n WHERE {same} AND {differs}",
            "NEW TABLE AS rows_after",
        ),
        "delete": (f"DELETE FROM portfolio p USING rows_before n WHERE {same}", "OLD TABLE AS rows_before"),
    }
    held = (
        "CREATE FUNCTION portfolio_held() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN NEW.held := coalesce(NEW.level, ''); RETURN NEW; END $$",
        "CREATE TRIGGER portfolio_held BEFORE UPDATE OF level ON portfolio FOR EACH ROW "
        "WHEN (NEW.held <> coalesce(NEW.level, '')) EXECUTE FUNCTION portfolio_held()",
    )
    return held + tuple(
        statement
        for name, (what, rows) in work.items()
        for statement in (
            f"CREATE FUNCTION portfolio_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
            f"BEGIN {what}; RETURN NULL; END $$",
            f"CREATE TRIGGER portfolio_{name} AFTER {name.upper()} ON customer REFERENCING {rows} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION portfolio_{name}()",
        )
    )


def _portfolio() -> None:
    op.create_table(
        "portfolio",
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("customer_id", sa.String(40), nullable=False),
        sa.Column("held", sa.String(20), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(40), nullable=True),
        sa.Column("monthly_revenue", sa.Float(), nullable=True),
        sa.Column("here_since", sa.Date(), nullable=False),
        sa.Column("renews_on", sa.Date(), nullable=True),
        sa.Column("left_on", sa.Date(), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("level", sa.String(20), nullable=True),
        sa.Column("since", _MOMENT, nullable=True),
        sa.Column("scored_at", _MOMENT, nullable=True),
        sa.Column("insufficient", sa.Boolean(), nullable=True),
        sa.Column("trend", sa.String(20), nullable=True),
        sa.Column("change_7", sa.Float(), nullable=True),
        sa.Column("change_30", sa.Float(), nullable=True),
        sa.Column("churn", sa.Float(), nullable=True),
        sa.Column("churn_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id", "held", "active", "segment", "currency", "customer_id"),
        sa.UniqueConstraint("organisation_id", "customer_id"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_portfolio_owner", "portfolio", ["owner_id", "organisation_id"])
    op.create_index("ix_portfolio_kinds", "portfolio", ["organisation_id", "segment", "plan", "active"])
    op.create_table(
        "portfolio_day",
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("scored", sa.Integer(), nullable=False),
        sa.Column("score_sum", sa.Float(), nullable=False),
        sa.Column("revenue", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id", "day", "segment", "currency", "level"),
    )
    op.create_table(
        "portfolio_metric_day",
        sa.Column("organisation_id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segment", sa.String(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"]),
        sa.PrimaryKeyConstraint("organisation_id", "name", "day", "segment"),
    )
    _portfolio_as_it_is()
    for statement in _portfolio_triggers():
        op.execute(statement)


def _portfolio_as_it_is() -> None:
    """What the portfolio and its days would hold had they always been there, as far as it is known."""
    # A score's run says its day. Of several runs of a day the last one counts; revenue was not kept.
    op.execute(
        "INSERT INTO portfolio_day (organisation_id, day, segment, currency, level, customers, scored, score_sum) "
        "SELECT r.organisation_id, r.day, c.segment, c.currency, coalesce(s.level, s.raw_level, '') AS held, "
        "count(*), count(s.score), coalesce(sum(s.score), 0) "
        "FROM score_run r JOIN score s ON s.run_id = r.id JOIN customer c ON c.id = s.customer_id "
        "WHERE r.finished_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM score_run n "
        "WHERE n.organisation_id = r.organisation_id AND n.day = r.day AND n.finished_at IS NOT NULL "
        "AND (n.started_at > r.started_at OR (n.started_at = r.started_at AND n.id > r.id))) "
        "GROUP BY r.organisation_id, r.day, c.segment, c.currency, held"
    )
    values = ", ".join(_of_customer("c"))
    newest = "(SELECT {what} FROM churn_prediction p WHERE p.customer_id = c.id ORDER BY p.at DESC LIMIT 1)"
    op.execute(
        f"INSERT INTO portfolio ({', '.join(_LISTED)}, held, score, level, since, scored_at, insufficient, trend, "
        "churn, churn_at) "
        f"SELECT {values}, coalesce(h.level, ''), h.score, h.level, h.since, h.scored_at, s.insufficient, "
        f"s.trend_direction, "
        f"{newest.format(what='p.probability')}, {newest.format(what='p.at')} "
        "FROM customer c LEFT JOIN health h ON h.customer_id = c.id LEFT JOIN score s ON s.id = h.score_id"
    )
    _changes_of_days()


def _changes_of_days() -> None:
    """The change over 7 and 30 days, out of the packed days: 8 bytes, then 30 scores with NaN for none."""
    connection, days = op.get_bind(), 30
    query = sa.text(
        "SELECT organisation_id, customer_id, recent FROM health WHERE length(recent) = :size AND customer_id > :after "
        "ORDER BY customer_id LIMIT 5000"
    )
    change = sa.text(
        "UPDATE portfolio SET change_7 = :change_7, change_30 = :change_30 "
        "WHERE organisation_id = :organisation AND customer_id = :customer"
    )
    after = ""
    while rows := connection.execute(query, {"size": 8 + 8 * days, "after": after}).all():
        packed = np.frombuffer(b"".join(bytes(row[2]) for row in rows), "<f8").reshape(-1, 1 + days)[:, 1:]
        changes: list[dict[str, object]] = [{"organisation": row[0], "customer": row[1]} for row in rows]
        for name, window in (("change_7", 8), ("change_30", days)):
            for one, known in zip(changes, packed[:, -window:], strict=True):
                scores = known[np.isfinite(known)]
                one[name] = round(float(scores[-1] - scores[0]), 2) if len(scores) > 1 else None
        connection.execute(change, changes)
        after = rows[-1][1]


def _portfolio_away() -> None:
    for name in ("insert", "update", "delete"):
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER portfolio_{name}")
        else:
            op.execute(f"DROP TRIGGER portfolio_{name} ON customer")
            op.execute(f"DROP FUNCTION portfolio_{name}()")
    for table in ("portfolio_metric_day", "portfolio_day", "portfolio"):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION portfolio_held()")
