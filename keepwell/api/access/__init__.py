"""Who asks, and whether they may: `who: Reader` as an endpoint's parameter answers 401 and 403 by itself."""

from keepwell.api.access.guarding import (
    Actor,
    Configurer,
    ForbiddenError,
    Ingester,
    NotSignedInError,
    Operator,
    Owner,
    Principal,
    Reader,
    Somebody,
    csrf_of,
    who_asks,
)

__all__ = [
    "Actor",
    "Configurer",
    "ForbiddenError",
    "Ingester",
    "NotSignedInError",
    "Operator",
    "Owner",
    "Principal",
    "Reader",
    "Somebody",
    "csrf_of",
    "who_asks",
]
