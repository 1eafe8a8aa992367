"""The demo's job: summarize a CSV file, and say how far it is."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task
from django.conf import settings

from config.demo.rows import CsvError, read_rows
from config.demo.sample import Sample, sample_rows, write_sample
from config.demo.summary import Summary
from config.demo.uploads import upload_path
from taskstatus import log, track

__all__ = ["summarize_sample", "summarize_upload"]

_CHUNK_BYTES = 1024 * 1024
_ROWS_PER_LOG_LINE = 50_000
_LOGGED_BAD_ROWS = 20


# Celery's result backend is not asked how these tasks end, so it need not be told; and with
# it out of the way, enqueueing fails at once when Redis is down, not after 20 seconds.


@shared_task(name="demo.summarize_upload", ignore_result=True)
def summarize_upload(name: str, title: str) -> dict[str, object]:
    """Summarize an upload, and remove it whatever comes of it."""
    path = upload_path(name)
    try:
        return _summarize(path, title)
    except FileNotFoundError:
        raise CsvError("The upload is no longer there.") from None
    finally:
        path.unlink(missing_ok=True)


@shared_task(name="demo.summarize_sample", ignore_result=True)
def summarize_sample(sample: str = Sample.GOOD) -> dict[str, object]:
    """Summarize one of the samples, made on first use."""
    chosen = Sample(sample)
    path = Path(settings.DEMO_SAMPLES_DIR) / f"{chosen}-{chosen.rows}.csv"
    if not path.exists():
        log(f"Writing the sample, {chosen.rows:,} rows, for the first time")
        lines = track(sample_rows(chosen), total=chosen.rows + 1, message="Writing the sample")
        write_sample(lines, path)
    return _summarize(path, f"the sample “{chosen}”")


def _summarize(path: Path, title: str) -> dict[str, object]:
    """Read the file row by row. Raises CsvError, which names the line."""
    lines = _count_lines(path)
    log(f"Reading {title}: {lines:,} lines")
    with path.open("rb") as file:
        # Lines are what is tracked, since their number is known; a row can have several.
        rows = read_rows(track(file, total=lines, message="Reading"))
        summary = Summary(next(rows))
        log("Columns: " + ", ".join(column.name for column in summary.columns)[:500])
        for row in rows:
            _report_bad(summary, [str(bad) for bad in summary.add(row)])
            if summary.rows % _ROWS_PER_LOG_LINE == 0:
                log(f"{summary.rows:,} rows, {summary.bad_rows:,} of them bad")
        _report_bad(summary, [str(bad) for bad in summary.finish()])
    log(f"Done: {summary.rows:,} rows, {summary.bad_rows:,} of them bad")
    return summary.as_json()


def _report_bad(summary: Summary, found: list[str]) -> None:
    already = summary.bad_rows - len(found)
    for number, text in enumerate(found, start=already + 1):
        if number <= _LOGGED_BAD_ROWS:
            log(text, level="warning")
        elif number == _LOGGED_BAD_ROWS + 1:
            log("Further bad rows are only counted", level="warning")


def _count_lines(path: Path) -> int:
    """Return how many lines the file has, the last one possibly without a line break."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count if last == b"\n" else count + 1
