"""The socket on which `keepwell serve` and the demo answer."""

from __future__ import annotations

import socket
from contextlib import closing

from keepwell.cli.web_server import listen


def test_no_piece_of_an_answer_waits_for_the_piece_before() -> None:
    with (
        closing(listen("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()),
        closing(listening.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
