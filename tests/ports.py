"""A port of this machine that stays one's own while the program that listens on it is away."""

from __future__ import annotations

import socket

from keepwell.temporal.server_process import HOST


class KeptPort:
    """A port for a program that is ended and started again, on the same address.

    Other programs ask the system for any free port all the time, and it may give them the one of a program
    that is away. So the port stays bound here, without listening: the system gives it to nobody, who connects
    is refused, and the program itself, which asks by the port's number with SO_REUSEADDR, gets it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number: int = self._socket.getsockname()[1]

    def give_back(self) -> None:
        """Nobody comes back any more."""
        self._socket.close()
