"""An HTTP server that answers one request after the other from a script."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Answer", "Request", "ScriptedServer", "batch", "problem", "scripted_server", "status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; a code of 0 closes the connection without a word."""

    code: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str | None


@dataclass(slots=True, kw_only=True)
class ScriptedServer:
    """A server that is up, and what it was asked so far."""

    url: str
    host: str
    requests: list[Request] = field(default_factory=list)


def status(version: int, state: str, **values: Any) -> dict[str, Any]:
    """Return a status message."""
    ready = state in {"SUCCESS", "FAILURE", "REVOKED"}
    message = {"type": "status", "task_id": "t", "version": version, "cursor": str(version)}
    return {**message, "state": state, "ready": ready, **values}


def batch(*messages: dict[str, Any], cursor: str | None = None) -> Answer:
    """Answer with messages; the task has ended when the last one says so."""
    body = {
        "messages": messages,
        "cursor": cursor or messages[-1]["cursor"],
        "ready": bool(messages and messages[-1].get("ready")),
    }
    return Answer(code=200, body=json.dumps(body).encode())


def problem(code: int, name: str, **headers: str) -> Answer:
    """Answer with a problem."""
    body = {"title": name, "status": code, "detail": f"It is {name}.", "code": name}
    headers = {key.replace("_", "-"): value for key, value in headers.items()}
    return Answer(code=code, body=json.dumps(body).encode(), headers=headers)


@contextlib.contextmanager
def scripted_server(*answers: Answer) -> Iterator[ScriptedServer]:
    """Run a server that gives these answers in turn, the last one for ever."""
    script = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            authorization = self.headers["Authorization"]
            server.requests.append(
                Request(
                    method=self.command,
                    path=parts.path,
                    query=query,
                    authorization=authorization,
                )
            )
            answer = script.pop(0) if len(script) > 1 else script[0]
            if answer.code == 0:
                self.close_connection = True
                return
            self.send_response(answer.code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.code != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's word
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        host = f"127.0.0.1:{http.server_port}"
        server = ScriptedServer(url=f"http://{host}/poll/task_status/t/", host=host)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
