"""The errors Keepwell raises to people: what is wrong, what would be right, and who must act.

Standard library only: workflow code imports this module inside Temporal's sandbox.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

Audience = Literal["user", "ops", "developer"]


class KeepwellError(Exception):
    """Base of every error meant for a reader.

    `message` says what is wrong and where, `hint` the next step, in words that fit whoever asked, and
    `command` the same as a command line: only a terminal shows it. `retryable` tells whether the same call
    may succeed later without a change; `audience` who has to act; `exit_code` what the command line
    returns. The last three are class attributes that one instance may override.
    """

    retryable: bool = False
    audience: Audience = "user"
    exit_code: int = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        command: str = "",
        retryable: bool | None = None,
        audience: Audience | None = None,
        exit_code: int | None = None,
    ) -> None:
        # Only the message goes to Exception: its arguments are what pickle calls the class with.
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.command = command
        if retryable is not None:
            self.retryable = retryable
        if audience is not None:
            self.audience = audience
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class InputError(KeepwellError):
    """A value, row or file that came in is wrong; `place` names it (file and line, or field)."""

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        place: str | None = None,
        hint: str = "",
        command: str = "",
        retryable: bool | None = None,
        audience: Audience | None = None,
        exit_code: int | None = None,
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            command=command,
            retryable=retryable,
            audience=audience,
            exit_code=exit_code,
        )
        self.place = place

    def __str__(self) -> str:
        text = super().__str__()
        return f"{self.place}: {text}" if self.place else text


class NotFoundError(KeepwellError):
    """What was asked for does not exist."""

    exit_code = 3


class RefusedError(KeepwellError):
    """A command was understood and refused: the state it meets does not allow it."""

    exit_code = 4


class ServerUnavailableError(KeepwellError):
    """No Temporal server answers; trying again may help."""

    retryable = True
    audience: Audience = "ops"
    exit_code = 5


class StoreError(KeepwellError):
    """The database cannot be read or written."""

    audience: Audience = "ops"
    exit_code = 6


class ConfigurationError(KeepwellError):
    """A setting, or the server it leads to, is not what Keepwell needs."""

    audience: Audience = "ops"
    exit_code = 7


class TemplateStoppedError(ConfigurationError):
    """A template took too much time or memory and was stopped; it would each time, so nothing tries again.

    Workflows know it by the name of the class: `workflows.policies.STEP_RETRY`.
    """

    audience: Audience = "developer"


class SendRefusedError(KeepwellError):
    """A provider said no: the message was not taken. `retry_after` is when it asks us to come again."""

    audience: Audience = "ops"
    exit_code = 6

    def __init__(self, message: str, *, retryable: bool, retry_after: timedelta | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.retry_after = retry_after


class NoMailboxError(SendRefusedError):
    """A provider said that there is no such mailbox: nothing more may be sent to `address`."""

    def __init__(self, message: str, *, address: str) -> None:
        super().__init__(message, retryable=False)
        self.address = address


class SendUnknownError(KeepwellError):
    """Nobody knows whether a provider took a message: its answer was lost, broken or came too late.

    The next attempt asks the provider by the message's key before anything is sent again.
    """

    retryable = True
    audience: Audience = "ops"
    exit_code = 6


def reason_of(error: BaseException) -> str:
    """Any error in one short line; without the statement and the values that a database's errors carry."""
    lines = str(error).strip().splitlines()
    text = lines[0][:200] if lines else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
