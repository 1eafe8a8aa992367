"""
A Redis in pure Python, for machines where no real one runs: ``fake_redis.py PORT``.

Run by its path as a process of its own. It is slow (some 50 ms per event), keeps nothing
and cannot ask for a password, but it speaks Redis, so everything else stays the same.
"""

from __future__ import annotations

import sys

from fakeredis import TcpFakeServer


def main(port: int) -> None:
    """Serve on the loopback interface until the process is ended."""
    with TcpFakeServer(("127.0.0.1", port), server_type="redis", server_version=(7, 0)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
