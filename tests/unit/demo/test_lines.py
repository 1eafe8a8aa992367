"""The command lines that are printed to be pasted."""

from __future__ import annotations

import shlex

from config.demo.lines import lines_for


def test_each_line_survives_the_shell() -> None:
    """Whatever the id and the token are, the shell sees one URL, with the id encoded."""
    lines = lines_for("a/b c'd", "x:y_z", origin="https://example.org", python="py")
    query = "?types=status,log&token=x:y_z"
    path = f"task_status/a%2Fb%20c%27d/{query}"
    assert shlex.split(lines.sse) == ["curl", "-N", f"https://example.org/sse/{path}"]
    assert shlex.split(lines.longpoll) == ["curl", f"https://example.org/poll/{path}"]
    python = shlex.split(lines.websocket)
    assert python[:3] == ["py", "-u", "-c"]
    assert f'connect("wss://example.org/ws/{path}")' in python[3]
    compile(python[3], "the line", "exec")
