"""A TCP proxy before a PostgreSQL, as a program of its own: who kills it cuts every connection at once.

    python -m tests.e2e.chaos_proxy PORT HOST SERVER_PORT

HOST may be a folder, which holds the server's socket. What was on its way when the proxy dies is lost, in
either direction: a COMMIT that the server has carried out may never be answered. It imports little, so that
it is back at once.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast


class End(asyncio.Protocol):
    """One end of a connection; what it hears it passes to the other end, once that is there."""

    def __init__(self) -> None:
        self.other: End | None = None
        self.wire: asyncio.Transport | None = None
        self.kept: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass on what was kept until now."""
        self.wire = cast(asyncio.Transport, transport)
        for data in self.kept:
            self.wire.write(data)

    def data_received(self, data: bytes) -> None:
        """Pass it on, or keep it for the other end."""
        assert self.other is not None
        if self.other.wire is None:
            self.other.kept.append(data)
        else:
            self.other.wire.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end hears of it."""
        if self.other is not None and self.other.wire is not None:
            self.other.wire.close()


async def main(port: int, host: str, server_port: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def reach(client: End, server: End) -> None:
        try:
            if host.startswith("/"):
                await loop.create_unix_connection(lambda: server, f"{host}/.s.PGSQL.{server_port}")
            else:
                await loop.create_connection(lambda: server, host, server_port)
        except OSError:
            assert client.wire is not None
            client.wire.close()

    def accept() -> End:
        client, server = End(), End()
        client.other, server.other = server, client
        task = loop.create_task(reach(client, server))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return client

    listening = await loop.create_server(accept, "127.0.0.1", port)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
