"""Figures become tables, targets and pages."""

from __future__ import annotations

import pytest

from benchmarks.pages import replace_part
from benchmarks.report import report
from benchmarks.tables import figure
from benchmarks.targets import Target, targets_of

ABOUT = {"date": "2026-01-01", "machine": "a machine", "system": "a system", "versions": "x 1"}


def row(subject: str, viewers: int, server: float) -> dict[str, object]:
    """Return a fan-out figure."""
    zeros = dict.fromkeys(("redis", "p50", "p99", "lost", "duplicated", "reordered"), 0.0)
    return {"subject": subject, "viewers": viewers, "server": server, **zeros}


FANOUT = [
    row("daphne-ws", 100, 40.0),
    row("daphne-ws", 4_000, 44.0),
    row("socketio", 100, 10.0),
    row("socketio", 4_000, 20.0),
]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (1000, "1,000"), (None, "")],
)
def test_figures_have_what_counts(value: float | None, text: str) -> None:
    """Three places or so."""
    assert figure(value) == text


def test_targets_compare_with_the_peer_of_the_same_size() -> None:
    """Each is met or not."""
    found = {target.what: target.met for target in targets_of({"fanout": FANOUT})}
    assert found == {
        "fan-out to 100, daphne-ws, to Socket.IO": False,
        "fan-out to 4,000, daphne-ws, to Socket.IO": True,
        "from 100 to 4,000 viewers, daphne-ws": True,
    }


def test_targets_need_their_peers() -> None:
    """What was not measured is not judged."""
    assert targets_of({"fanout": [row("daphne-ws", 100, 1.0)]}) == []


def test_a_target_says_what_it_is() -> None:
    """With its unit."""
    target = Target("memory", 31.0, 30.0, "KiB")
    assert (target.limit, target.met) == ("≤ 30 KiB", False)


def test_the_report_says_what_is_missing_and_what_is_not_met() -> None:
    """Plainly."""
    text = report({"about": ABOUT, "missing": ["No peer: install it"], "fanout": FANOUT})
    assert "Left out: No peer: install it." in text
    assert "| fan-out to 100, daphne-ws, to Socket.IO | ≤ 3 × | 4.00 | **no** |" in text  # noqa: RUF001
    assert "### Fan-out" in text


def test_a_part_of_a_page_is_replaced() -> None:
    """Nothing else, and again."""
    page = "before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter \\1"
    once = replace_part(page, "x", "new \\1")
    assert once == "before\n<!-- x: begin -->\n\nnew \\1\n\n<!-- x: end -->\nafter \\1"
    assert replace_part(once, "x", "new \\1") == once
    with pytest.raises(ValueError, match="no part 'y'"):
        replace_part(page, "y", "")
