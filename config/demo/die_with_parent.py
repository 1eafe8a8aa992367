"""
Run a command that ends when its parent does: ``die_with_parent.py PID SIGNAL COMMAND…``.

A launcher that is killed with SIGKILL cannot stop its children, so on Linux each child
asks the kernel to be sent a signal when its parent is gone. The request survives exec, so
the command keeps this process's id. Elsewhere the command just runs.

A script of its own and not a ``preexec_fn``: Python code between fork and exec can
deadlock in a process with threads. It is run by its path, and imports only what it needs,
to be fast.
"""

from __future__ import annotations

import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, number: int, command: list[str]) -> None:
    """Become the command, tied to the life of the parent. Does not return."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        # The parent may have died before the request was made.
        if os.getppid() != parent:
            sys.exit("the parent process is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606  the caller's own command, no shell
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
