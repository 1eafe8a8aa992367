"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.window import Result

__all__ = ["deliveries"]

HEAD = "| | viewers | µs | × Socket.IO | Redis µs | p50 ms | p99 ms | events | lost | twice | out of order |"


def deliveries(title: str, results: Sequence[Result]) -> str:
    """Return costs per delivered event as a table."""
    base = {result.viewers: result.server for result in results if result.subject == "socketio"}
    lines = [f"### {title}", "", HEAD, "| --- |" + " ---: |" * 10]
    for r in results:
        ratio = f"{r.server / base[r.viewers]:.2f}" if r.viewers in base else ""
        lines.append(
            f"| {r.subject} | {r.viewers} | {r.server:.1f} | {ratio} | {r.redis:.2f} | {r.p50:.1f} "
            f"| {r.p99:.1f} | {r.received} | {r.lost} | {r.duplicated} | {r.reordered} |"
        )
    return "\n".join([*lines, ""])
