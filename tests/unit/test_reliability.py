"""docs/reliability.md tells of every fault that is played."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.acceptance.faults.report import BEGIN, END, PAGE, promises, table

if TYPE_CHECKING:
    from pathlib import Path

RESULTS = """<testsuites><testsuite>
<testcase classname="tests.acceptance.faults.test_crowds" name="{one}"><properties>
<property name="outcome" value="3 s"/></properties></testcase>
<testcase classname="tests.acceptance.faults.test_redis_lost" name="{many}[dead]"><properties>
<property name="outcome" value="1 s"/></properties></testcase>
<testcase classname="tests.acceptance.faults.test_redis_lost" name="{many}[hung]"><properties>
<property name="outcome" value="2 s"/></properties></testcase>
<testcase classname="tests.acceptance.faults.test_traps" name="{bad}[x]"><failure/></testcase>
</testsuite></testsuites>"""


def written() -> list[list[str]]:
    """Return the rows of the page's table."""
    between = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    rows = re.findall(r"^\| (.*) \|$", between, re.MULTILINE)
    return [row.split(" | ") for row in rows[2:]]


def test_every_fault_has_its_row() -> None:
    """A test that is added, renamed or reworded has to be run: ``make reliability``."""
    told = {(what, says) for what, says, *_ in written()}
    assert told == {(promise.what, promise.says) for promise in promises()}


def test_no_row_tells_of_a_failure() -> None:
    """What is published has held."""
    assert not [row for row in written() if "failed" in row[2] or row[2] == "not run"]


def test_figures_come_from_the_run(tmp_path: Path) -> None:
    """Each case with its own, a failure as one, and what was not run as that."""
    names = {
        "one": "test_a_crowd_that_comes_back_at_once_is_served",
        "many": "test_everybody_has_the_end_soon_after_redis_is_back",
        "bad": "test_a_response_that_breaks_off_does_not_harm_the_server",
    }
    results = tmp_path / "results.xml"
    results.write_text(RESULTS.format(**names))
    rows = {row.split(" | ")[0]: row.split(" | ")[2] for row in table(results).splitlines()[2:]}
    assert rows["| a crowd that comes back at once is served"] == "3 s"
    assert rows["| everybody has the end soon after redis is back"] == "`dead` 1 s; `hung` 2 s"
    assert rows["| a response that breaks off does not harm the server"] == "**1 of 1 failed**"
    assert "not run" in rows.values()
