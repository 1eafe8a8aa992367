"""The way past real servers: it is there, and what goes by it keeps its place among the rest."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
import websockets

from tests.project.wire import lines

if TYPE_CHECKING:
    from tests.harness.processes import Processes

APPLICATION = "tests.project.wire:application"
LISTENS = {
    "daphne": (["--bind", "127.0.0.1"], r"Listening on TCP address 127\.0\.0\.1:(\d+)"),
    "uvicorn": (["--host", "127.0.0.1"], r"running on http://127\.0\.0\.1:(\d+)"),
}
SERVERS = {
    "daphne": ("daphne", []),
    "uvicorn": ("uvicorn", []),
    "uvicorn on asyncio": ("uvicorn", ["--loop", "asyncio"]),
}
#: What is not known, and served as ever.
OTHERS = {
    "uvicorn with h11": ("uvicorn", ["--http", "h11"]),
    "uvicorn with websockets' older side": ("uvicorn", ["--ws", "websockets"]),
    "uvicorn that traces": ("uvicorn", ["--log-level", "trace"]),
}


def start(processes: Processes, server: str, options: list[str]) -> int:
    """Start a server; return its port."""
    arguments, listens = LISTENS[server]
    command = ["-m", server, *arguments, "--port", "0", *options, APPLICATION]
    return int(processes.start(f"wire-{server}", command, env={}).wait_for_log(listens)[1])


async def over_websocket(port: int) -> list[str]:
    """Return all texts; the client offers compression, as browsers do."""
    async with websockets.connect(f"ws://127.0.0.1:{port}/") as client:
        texts = [str(text) async for text in client]
        assert client.close_code == 1000
    return texts


async def over_http(port: int) -> list[str]:
    """Return the lines of the body, whose chunks have all to be whole."""
    async with httpx.AsyncClient() as client:
        response = await client.get(f"http://127.0.0.1:{port}/")
        begun, *rest = response.text.splitlines()
    assert begun == "begun"
    return rest


@pytest.mark.parametrize("name", SERVERS)
async def test_messages_past_the_server_keep_their_place(processes: Processes, name: str) -> None:
    """On both servers that are supported; when this fails a new version is not as we know it."""
    port = start(processes, *SERVERS[name])
    for texts in await asyncio.gather(over_websocket(port), over_http(port)):
        assert texts == ["True", *lines()]


@pytest.mark.parametrize("name", OTHERS)
async def test_other_servers_are_sent_through(processes: Processes, name: str) -> None:
    """Nothing is lost where there is no way past one of the two."""
    port = start(processes, *OTHERS[name])
    answers = await asyncio.gather(over_websocket(port), over_http(port))
    assert "False" in {texts[0] for texts in answers}
    for texts in answers:
        assert texts[1:] == [*lines()]


async def test_body_without_chunks_is_sent_through(processes: Processes) -> None:
    """A client of HTTP/1.0 gets it as it is, to the end of the connection."""
    port = start(processes, *SERVERS["daphne"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    _, _, body = answer.partition(b"\r\n\r\n")
    assert body.decode().splitlines() == ["begun", "False", *lines()]
