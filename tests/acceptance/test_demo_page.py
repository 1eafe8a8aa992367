"""The demo's page in a real browser: a file goes in, four columns show the same task."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

from tests.acceptance.browser import Visit, visit
from tests.acceptance.cut_proxy import cut_proxy
from tests.acceptance.demo_run import DemoRun, running_demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, FilePayload, Locator, Page

COLUMNS = ("ws", "sse", "poll", "auto")
SECONDS = 1000.0
#: What a connection says that waits for news; a poll is connecting until it is answered.
ASKED = re.compile(r"^(live|connecting)\b")

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    """Run the demo, without its sample job, for all tests of this module."""
    with running_demo(tmp_path_factory.mktemp("demo"), "--no-sample") as run:
        yield run


@pytest.fixture
def visitor(chromium: Browser, demo: DemoRun) -> Iterator[Visit]:
    """Open the page as a new visitor, whose visit must raise no complaint."""
    with visit(chromium) as made:
        made.page.set_default_timeout(20 * SECONDS)
        made.page.goto(demo.page)
        yield made
        assert made.hosts == {f"127.0.0.1:{demo.port}"}


def csv(text: str, name: str = "table.csv") -> FilePayload:
    """Return a file to upload."""
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def upload(visitor: Visit, file: FilePayload) -> None:
    """Choose the file and send the form."""
    visitor.page.get_by_label("CSV file").set_input_files(files=[file])
    visitor.page.get_by_role("button", name="Summarize it").click()


def columns_of(page: Page, transports: Sequence[str] = COLUMNS) -> list[Locator]:
    """Return the columns of these transports."""
    return [page.locator(f"#column-{transport}") for transport in transports]


def columns(visitor: Visit, state: str) -> list[Locator]:
    """Return the four columns once all of them show the state."""
    found = columns_of(visitor.page)
    for column in found:
        expect(column.locator("[data-part=state]")).to_have_text(state, timeout=20 * SECONDS)
        expect(column.locator("[data-part=connection]")).to_have_text("closed")
    return found


def test_four_columns_show_the_same_summary(visitor: Visit) -> None:
    """An uploaded file ends in the same table over each transport, and nobody complains."""
    rows = "".join(f"{number},{number / 4},user{number}@example.org\n" for number in range(3000))
    upload(visitor, csv(f"id,price,email\n{rows}oops\n"))
    found = columns(visitor, "SUCCESS")
    tables = [column.locator("table").inner_text() for column in found]
    assert len(set(tables)) == 1
    assert "price\tdecimal\t0\t3,000\t0.0\t749.75" in tables[0]
    for column in found:
        expect(column.locator(".summary h3")).to_have_text("3,001 rows, 1 of them bad")
        expect(column.locator("[data-part=messages]")).to_contain_text("Done: 3,001 rows")
        expect(column.locator("[data-part=messages]")).to_contain_text("line 3002: 1 fields")
    assert visitor.complaints == []


def test_a_broken_file_fails_and_each_column_names_the_line(visitor: Visit) -> None:
    """The reason is the same over each transport."""
    upload(visitor, csv('a,b\n1,2\n3,"4\n5,6\n'))
    for column in columns(visitor, "FAILURE"):
        expect(column.locator("[data-part=outcome]")).to_have_text(
            "CsvError line 3: a quoted field is opened here and never closed"
        )
    assert visitor.complaints == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("table.xlsx", "a,b\n", "The name of the file must end in one of .csv, .tsv, .txt."),
        ("table.csv", "a,b\n\0", "The file is not a text file: there are NUL bytes in it."),
        ("table.csv", "", "The file is empty."),
    ],
    ids=["type", "binary", "empty"],
)
def test_what_cannot_be_taken_is_said_on_the_page(
    visitor: Visit, name: str, text: str, said: str
) -> None:
    """The visitor stays on the page and reads why."""
    upload(visitor, csv(text, name))
    expect(visitor.page.get_by_role("alert")).to_contain_text(said)


def test_a_file_that_is_too_large_is_not_even_sent(visitor: Visit, tmp_path: Path) -> None:
    """The page knows the limit, and says so before any byte is on its way."""
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    visitor.page.get_by_label("CSV file").set_input_files(large)
    said = "The file is too large: it has 20.0 MiB, and 20.0 MiB is the limit."
    expect(visitor.page.get_by_role("alert")).to_have_text(said)
    visitor.page.get_by_role("button", name="Summarize it").click()
    expect(visitor.page.get_by_role("alert")).to_have_text(said)
    assert visitor.complaints == []


def test_a_job_is_shown_to_nobody_else(visitor: Visit, chromium: Browser) -> None:
    """Another browser with the URL sees neither the task nor whether there is one."""
    upload(visitor, csv("a,b\n1,2\n"))
    columns(visitor, "SUCCESS")
    with visit(chromium) as stranger:
        response = stranger.page.goto(visitor.page.url)
        assert response is not None
        assert response.status == 403
        expect(stranger.page.get_by_role("heading", level=1)).to_have_text(
            "This job is not yours to see"
        )


def test_a_finished_job_is_shown_again(visitor: Visit) -> None:
    """Who comes late finds the outcome at once, over each transport."""
    upload(visitor, csv("a,b\n1,2\n"))
    columns(visitor, "SUCCESS")
    visitor.page.goto(visitor.page.url)
    columns(visitor, "SUCCESS")
    assert visitor.complaints == []


def upload_watched(visitor: Visit, demo: DemoRun, file: FilePayload) -> None:
    """Upload a file; its job begins when all columns are there, so that none misses a line."""
    with demo.held():
        upload(visitor, file)
        for column in columns_of(visitor.page):
            expect(column.locator("[data-part=connection]")).to_have_text(ASKED)


@contextlib.contextmanager
def held_at(
    page: Page, demo: DemoRun, percent: int, live: Sequence[str] = COLUMNS
) -> Iterator[None]:
    """Hold the job before its end, once it has come so far and the live columns have shown it."""
    # Looks at each frame; an expectation would let up to a second pass between two looks.
    page.wait_for_function(
        """percent => {
            const shown = document.querySelector("#column-auto [data-part=figures]")?.textContent;
            return Number.parseFloat(shown?.match(/([\\d.]+) %/)?.[1] ?? "0") >= percent;
        }""",
        arg=percent,
        timeout=30 * SECONDS,
    )
    with demo.held():
        for column in columns_of(page, live):
            expect(column.locator("[data-part=connection]")).to_have_text(re.compile("^live"))
            expect(column.locator("[data-part=state]")).to_have_text("PROGRESS")
            expect(column.locator("[data-part=figures]")).to_contain_text(
                re.compile(rf"· [{percent // 10}-9]\d\.\d %"), timeout=30 * SECONDS
            )
        yield


def test_a_cut_connection_is_resumed_without_loss_or_repetition(
    chromium: Browser, demo: DemoRun
) -> None:
    """Each column ends with every line that the task wrote, once and in order."""
    rows = "".join(f"{number},user{number}@example.org,\n" for number in range(1, 120_001))
    with cut_proxy(demo.port) as proxy, visit(chromium) as made:
        made.page.goto(f"http://127.0.0.1:{proxy.port}/")
        upload_watched(made, demo, csv(f"id,email,nothing\n{rows}"))
        for percent in (20, 40):
            with held_at(made.page, demo, percent):
                before = proxy.accepted
                # Two WebSockets, an event stream, and a poll that waits.
                assert proxy.cut() >= len(COLUMNS)
                proxy.wait_for_accepted(before + len(COLUMNS))
                for column in columns_of(made.page):
                    expect(column.locator("[data-part=connection]")).to_have_text(
                        ASKED, timeout=20 * SECONDS
                    )
        written = [
            column.locator("li:not([data-level=state]) span").all_inner_texts()
            for column in columns(made, "SUCCESS")
        ]
    assert written[0] == [
        "Reading table.csv: 120,001 lines",
        "Columns: id, email, nothing",
        "50,000 rows, 0 of them bad",
        "100,000 rows, 0 of them bad",
        "Done: 120,000 rows, 0 of them bad",
    ]
    assert all(lines == written[0] for lines in written)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_visitor_cuts_transports_and_the_automatic_column_goes_on(
    visitor: Visit, demo: DemoRun, tmp_path: Path, scheme: Literal["light", "dark"]
) -> None:
    """It shows what it goes on over; what was cut goes on where it was, once it is mended."""
    page = visitor.page
    page.emulate_media(color_scheme=scheme)
    rows = "".join(f"{number},user{number}@example.org,\n" for number in range(1, 100_001))
    upload_watched(visitor, demo, csv(f"id,email,nothing\n{rows}"))
    automatic = page.locator("#column-auto [data-part=connection]")
    with held_at(page, demo, 10):
        expect(automatic).to_have_text("live (WebSocket)")
        page.get_by_label("Cut WebSocket").check()
        page.get_by_label("Cut Server-Sent Events").check()
        expect(page.locator("#column-ws [data-part=connection]")).not_to_have_text("live")
        # Which it is once the answer comes; now it has asked.
        expect(automatic).to_have_text("connecting (long-poll)", timeout=20 * SECONDS)
    with held_at(page, demo, 30, live=("poll", "auto")):
        expect(automatic).to_have_text("live (long-poll)")
        picture = page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
        assert len(picture) > 20_000
    page.get_by_label("Cut WebSocket").uncheck()
    page.get_by_label("Cut Server-Sent Events").uncheck()
    found = columns(visitor, "SUCCESS")
    written = [
        column.locator("li:not([data-level=state]) span").all_inner_texts() for column in found
    ]
    assert len(written[0]) > 4
    assert all(lines == written[0] for lines in written)
