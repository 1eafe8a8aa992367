"""The sample files: made on first use, the same on every machine."""

from __future__ import annotations

import datetime as dt
import enum
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Sample", "sample_rows", "write_sample"]

_HEADER = "id,signed_up,last_seen,email,name,country,orders,spent,newsletter,note\n"
_FIRST = ("Ada", "Bela", "Chidi", "Dagny", "Esra", "Femi", "Grace", "Hiro", "Ines", "Jürgen")
_LAST = ("Acker", "Braun", "Costa", "Dubois", "Eriksen", "Fischer", "Gupta", "Horvat", "Itō")
_COUNTRIES = ("AT", "BR", "CH", "DE", "ES", "FR", "GB", "IN", "JP", "KE", "NG", "SE")
_NOTES = ("", "", "", "gift, wrapped", 'says ""later""', "call back", "n/a")
_EPOCH = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_SEED = 20200101
# Primes, so that the faults do not fall together.
_IMPOSSIBLE_DATE_EVERY = 9973
_MISSING_FIELD_EVERY = 23117


class Sample(enum.StrEnum):
    """The samples that there are; the value names the file."""

    GOOD = "customers"
    """Large, with a few bad rows in it: ends in a summary."""
    BROKEN = "broken"
    """Has a stray quote in one line: ends in a failure that names it."""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return 400_000 if self is Sample.GOOD else 200_000

    @property
    def broken_row(self) -> int:
        """The row with the stray quote; 0 if there is none."""
        return 0 if self is Sample.GOOD else 160_000


def sample_rows(sample: Sample) -> Iterator[str]:
    """Yield the lines of the sample, header first."""
    yield _HEADER
    # Not for secrets: the same numbers every time are the point.
    dice = random.Random(_SEED)  # noqa: S311
    for number in range(1, sample.rows + 1):
        yield _row(number, dice.getrandbits(80), broken=number == sample.broken_row)


def _row(number: int, bits: int, *, broken: bool) -> str:
    # One random number per row, used digit by digit: quicker than asking for each field.
    bits, first = divmod(bits, len(_FIRST))
    bits, last = divmod(bits, len(_LAST))
    bits, country = divmod(bits, len(_COUNTRIES))
    bits, note = divmod(bits, len(_NOTES))
    bits, days = divmod(bits, 2000)
    bits, seconds = divmod(bits, 30_000_000)
    orders, cents = divmod(bits % 20_000_000, 500_000)
    joined = _EPOCH + dt.timedelta(days=days)
    signed_up = f"{joined:%Y}-02-30" if number % _IMPOSSIBLE_DATE_EVERY == 0 else f"{joined:%F}"
    seen = (joined + dt.timedelta(seconds=seconds)).isoformat()
    given = f'"{_FIRST[first]}"' if broken else _FIRST[first]
    fields = [
        str(number),
        signed_up,
        seen,
        f"user.{number}@shop{country}.example",
        f"{given} {_LAST[last]}",
        _COUNTRIES[country],
        str(orders),
        f"{cents / 100:.2f}",
        "yes" if cents % 3 else "no",
        f'"{_NOTES[note]}"',
    ]
    if number % _MISSING_FIELD_EVERY == 0:
        fields.pop()
    return ",".join(fields) + "\n"


def write_sample(lines: Iterable[str], path: Path) -> None:
    """Write the lines to the path; nobody ever sees half a file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, encoding="utf-8", newline="", delete=False
    ) as file:
        partial = Path(file.name)
        try:
            file.writelines(lines)
        except BaseException:
            partial.unlink()
            raise
    partial.replace(path)
