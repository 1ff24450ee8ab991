"""Working memory that a thread keeps from one computation to the next."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Memory = TypeVar("Memory")


class Kept(threading.local, Generic[Memory]):
    """The thread's last working memory, whatever is in it: the next computation of that kind overwrites it.

    Fresh memory comes page by page from the system, which takes longer than the arithmetic done in it.
    """

    _key: Hashable = None
    _memory: Memory | None = None

    def get(self, key: Hashable, make: Callable[[], Memory]) -> Memory:
        """The memory last made for this key; another key lets go of it and makes its own."""
        if self._memory is None or self._key != key:
            self._key, self._memory = key, make()
        return self._memory
