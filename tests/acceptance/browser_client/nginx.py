"""A real nginx before a port, as sites have it, or holding back what it should pass on."""

from __future__ import annotations

import contextlib
import shutil
import time
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from config.demo.child import Child
from config.demo.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["BUFFERING", "nginx"]

#: What a site's configuration says that wants every answer whole before it goes on.
BUFFERING = "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; proxy_buffers 8 64k;"
# Without the lines that a WebSocket needs: many a site has only these.
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{target};
            proxy_set_header Host $http_host;
            {lines}
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(target: int, folder: Path, lines: str = "") -> Iterator[str]:
    """Run nginx before a port on loopback; yield its URL. Skip the test where there is none."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("There is no nginx: install it to run the tests behind a real proxy.")
    port = free_port()
    configuration = folder / "nginx.conf"
    text = CONFIGURATION.format(folder=folder, port=port, target=target, lines=lines)
    configuration.write_text(text)
    command = [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
    with Child("nginx", command, log=folder / "nginx.log") as child:
        _wait(child, port)
        yield f"http://127.0.0.1:{port}"


def _wait(child: Child, port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/favicon.ico")
            connection.getresponse()
            return
        assert child.returncode is None, child.tail()
        assert time.monotonic() < deadline, child.tail()
        time.sleep(0.02)
