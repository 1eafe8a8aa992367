"""A process full of clients: ``python -m benchmarks.crowd``, driven by JSON lines.

It is told what to do on its standard input and answers each order with one line. It ends with its
input.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
from array import array
from typing import Any

import uvloop

from benchmarks.clients import CLIENTS, Client

__all__ = ["Crowd"]

UP_SECONDS = 30.0
SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}


class Crowd:
    """The clients, and what they have got since ``begin``."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        #: Between publishing and arrival of each event, in nanoseconds.
        self.delays = array("q")
        #: How many events somebody waits for.
        self.goal = sys.maxsize
        self._waiter: asyncio.Future[None] | None = None

    async def connect(
        self, *, transport: str, host: str, port: int, paths: list[str], at_once: int
    ) -> dict[str, Any]:
        """Open a connection for each path, so many at a time; return how many are up."""
        turn = asyncio.Semaphore(at_once)
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def open_one(path: str) -> str:
            async with turn:
                try:
                    async with asyncio.timeout(UP_SECONDS):
                        _, client = await loop.create_connection(
                            lambda: CLIENTS[transport](self, f"{host}:{port}", path), host, port
                        )
                        self.clients.add(client)
                        await client.up
                except (OSError, TimeoutError) as error:
                    return repr(error)
                return ""

        failures = [text for text in await asyncio.gather(*map(open_one, paths)) if text]
        return {
            "up": len(paths) - len(failures),
            "failures": sorted(set(failures))[:3],
            "seconds": loop.time() - began,
        }

    async def begin(self) -> dict[str, Any]:
        """Forget what has come so far."""
        for client in self.clients:
            client.tally.__init__()  # type: ignore[misc]
        self.delays = array("q")
        return {"clients": len(self.clients)}

    async def wait(self, *, events: int, seconds: float) -> dict[str, Any]:
        """Wait until so many events have come since ``begin``, so long at most."""
        if len(self.delays) < events:
            self.goal = events
            self._waiter = asyncio.get_running_loop().create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._waiter, seconds)
            self.goal = sys.maxsize
        return {"events": len(self.delays)}

    def reached(self) -> None:
        """Note that what is waited for has come."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def left(self, client: Client) -> None:
        """Note that a connection has ended."""
        self.clients.discard(client)

    async def count(self) -> dict[str, Any]:
        """Return what has come since ``begin``; delays in ms."""
        delays = sorted(self.delays)
        tallies = [client.tally for client in self.clients]
        return {
            "received": len(delays),
            "holes": sum(tally.holes for tally in tallies),
            "duplicated": sum(tally.duplicated for tally in tallies),
            "reordered": sum(tally.reordered for tally in tallies),
            **{name: share_of(delays, share) / 1e6 for name, share in SHARES.items()},
        }

    async def close(self) -> dict[str, Any]:
        """Close all connections."""
        clients, self.clients = self.clients, set()
        for client in clients:
            client.transport.abort()
        await asyncio.sleep(0)
        return {}


def share_of(ascending: list[int], share: float) -> float:
    """Return the value that this share of all values does not exceed; NaN of none."""
    if not ascending:
        return float("nan")
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


async def obey() -> None:
    """Carry out orders until there are no more."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    crowd = Crowd()
    while line := await orders.readline():
        order = json.loads(line)
        answer = await getattr(crowd, order.pop("do"))(**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    # A pause of the collector would show as the latency of a server.
    gc.disable()
    uvloop.run(obey())
