"""Calls of accounts. Written by `python -m tests.client_calls`: change the route, not this."""

from __future__ import annotations

from pydantic.types import SecretStr

from keepwell.api.v1.accounts import Accounts, Ended
from keepwell.client.core import OMITTED, Call, Group, Omitted, Sender, at, endpoint
from keepwell.contracts.access import Role
from keepwell.db.repositories.accounts import AccountLine


class AccountsCalls(Group[Sender]):
    """Calls of accounts."""

    @endpoint
    def add(
        self,
        *,
        email: str,
        name: str,
        role: Role,
        staff_id: str | Omitted | None = OMITTED,
        customer_id: str | Omitted | None = OMITTED,
        password: SecretStr | Omitted | None = OMITTED,
    ) -> Call[AccountLine]:
        """Make an account; nobody makes one that may more than they do, and no key makes one."""
        return Call(
            "POST",
            "/api/v1/accounts",
            AccountLine,
            body={
                "email": email,
                "name": name,
                "role": role,
                "staff_id": staff_id,
                "customer_id": customer_id,
                "password": password,
            },
        )

    @endpoint
    def change(
        self,
        account: str,
        *,
        name: str | Omitted | None = OMITTED,
        role: Role | Omitted | None = OMITTED,
        staff_id: str | Omitted | None = OMITTED,
        customer_id: str | Omitted | None = OMITTED,
        active: bool | Omitted | None = OMITTED,
        password: SecretStr | Omitted | None = OMITTED,
    ) -> Call[AccountLine]:
        """Change an account, or let its person in or out."""
        return Call(
            "PATCH",
            at("/api/v1/accounts/{account}", account=account),
            AccountLine,
            body={
                "name": name,
                "role": role,
                "staff_id": staff_id,
                "customer_id": customer_id,
                "active": active,
                "password": password,
            },
        )

    @endpoint
    def end_sessions(self, account: str) -> Call[Ended]:
        """Sign an account out everywhere."""
        return Call("DELETE", at("/api/v1/accounts/{account}/sessions", account=account), Ended)

    @endpoint
    def get(self, account: str) -> Call[AccountLine]:
        """One of them."""
        return Call("GET", at("/api/v1/accounts/{account}", account=account), AccountLine)

    @endpoint
    def list(self) -> Call[Accounts]:
        """The organisation's accounts."""
        return Call("GET", "/api/v1/accounts", Accounts)
