"""The figures as plots: SVG, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["draw"]

mpl.rcParams |= {
    "svg.fonttype": "none",
    "svg.hashsalt": "taskstatus",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = {
    "tutorial": "#999999",
    "daphne": "#0072b2",
    "uvicorn": "#009e73",
    "socketio": "#e69f00",
    "nchan": "#cc79a7",
}
STYLES = {"ws": "-", "sse": "--", "poll": ":"}
LABELS = {
    "tutorial": "tutorial",
    "daphne": "taskstatus, Daphne",
    "uvicorn": "taskstatus, uvicorn",
    "socketio": "Socket.IO",
    "nchan": "Nchan",
}


def draw(results: Mapping[str, Any], folder: Path) -> list[str]:
    """Write what can be drawn of the results into a folder; return the names of the files."""
    names = []
    if "fanout" in results:
        names.append(_save(_fanout(results["fanout"]), folder / "performance-fanout.svg"))
    if "tasks" in results:
        names.append(_save(_tasks(results["tasks"]["full"]), folder / "performance-tasks.svg"))
    return names


def _fanout(rows: Sequence[Mapping[str, Any]]) -> Figure:
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes: Axes = figure.subplots()
    for name in dict.fromkeys(row["subject"] for row in rows):
        some = [row for row in rows if row["subject"] == name]
        server, _, transport = name.partition("-")
        axes.plot(
            [row["viewers"] for row in some],
            [row["server"] for row in some],
            color=COLOURS[server],
            linestyle=STYLES.get(transport, "-"),
            marker=".",
            label=_label(name),
        )
    axes.set(xscale="log", yscale="log", xlabel="viewers of one task")
    axes.set_ylabel("µs of server CPU per delivered event")
    axes.set_xticks(sizes := sorted({row["viewers"] for row in rows}), [f"{n:,}" for n in sizes])
    axes.minorticks_off()
    axes.set_yticks(ticks := [3, 10, 30, 100, 300, 1_000], [str(tick) for tick in ticks])
    axes.grid(axis="y", linewidth=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _tasks(rows: Sequence[Mapping[str, Any]]) -> Figure:
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes: Axes = figure.subplots()
    names = [row["subject"] for row in rows][::-1]
    costs = [row["server"] for row in rows][::-1]
    bars = axes.barh(
        [_label(name) for name in names],
        costs,
        color=[COLOURS[name.partition("-")[0]] for name in names],
    )
    axes.bar_label(bars, [f"{cost:,.0f}" for cost in costs], padding=3)
    axes.set_xlabel("µs of server CPU per event, 1,000 tasks with a viewer each")
    return figure


def _label(name: str) -> str:
    server, _, transport = name.partition("-")
    kinds = {"ws": ", WebSocket", "sse": ", SSE", "poll": ", long-poll"}
    return LABELS[server] + kinds.get(transport, "")


def _save(figure: Figure, path: Path) -> str:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    # matplotlib ends some lines with a space.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    return path.name
