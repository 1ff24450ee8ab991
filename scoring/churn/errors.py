"""What goes wrong with tables and models, in words for the person who gave them."""

from __future__ import annotations


class ChurnError(ValueError):
    """Base: the message says where, what is wrong and what would be right. A retry does not help."""


class TableError(ChurnError):
    """The table or its mapping cannot be used: missing columns, one class, too few rows, no features."""


class ModelFileError(ChurnError):
    """Saved bytes are not a churn model that may be loaded. Nothing of them was run."""
