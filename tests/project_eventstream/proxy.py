"""What a GRIP proxy is to the server behind it: who signs requests, and takes what is published."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GripProxy", "grip_proxy"]

KEY = "a-key-that-the-proxy-and-the-server-share"
TAKE_SECONDS = 20


class GripProxy:
    """The side of a proxy that the server sees; it holds no client."""

    def __init__(self, port: int) -> None:
        #: What goes into the server's GRIP_URL.
        self.url = f"http://127.0.0.1:{port}/?key={KEY}"
        self.published: queue.Queue[dict[str, Any]] = queue.Queue()

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers that a request through the proxy has."""
        claim = {"iss": "proxy", "exp": int(time.time()) + 60}
        return {"Grip-Sig": jwt.encode(claim, KEY, algorithm="HS256"), **more}

    def take(self) -> dict[str, Any]:
        """Return the next item that the server publishes, waiting for it."""
        return self.published.get(timeout=TAKE_SECONDS)


@contextlib.contextmanager
def grip_proxy() -> Iterator[GripProxy]:
    """Run a proxy's control port on loopback."""

    class Control(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for item in body["items"]:
                proxy.published.put(item)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Control)
    proxy = GripProxy(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
