"""Which files are taken from a visitor, and where they are kept."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from config.demo.uploads import (
    UploadRefusedError,
    check_upload,
    keep_upload,
    sweep_uploads,
    upload_path,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.fixtures import Settings

LIMIT = 200_000


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """Give the demo's settings to tests that run with other ones."""
    settings.DEMO_MAX_UPLOAD_BYTES = LIMIT
    settings.DEMO_UPLOADS_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "b.tsv", "c.d.txt"])
def test_a_text_file_is_taken(name: str) -> None:
    """Three extensions are allowed, however they are written."""
    check_upload(SimpleUploadedFile(name, "a,b\n1,é\n".encode()))


def test_a_text_that_is_cut_in_a_character_by_the_sniffing_is_taken() -> None:
    """Only the start is looked at, and that may end anywhere."""
    check_upload(SimpleUploadedFile("a.csv", b"a" + "é".encode() * 40_000))


def test_a_text_with_a_fault_in_it_is_taken() -> None:
    """The job will say which line it is."""
    check_upload(SimpleUploadedFile("a.csv", b"a,b\n1,\xe9\n"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.exe", b"a,b\n", "The name of the file must end in one of .csv, .tsv, .txt."),
        ("csv", b"a,b\n", "The name of the file must end in one of .csv, .tsv, .txt."),
        ("a.csv", b"", "The file is empty."),
        ("a.csv", b"x" * (LIMIT + 1), "The file is too large: it has 0.2 MiB"),
        ("a.csv", b"a,b\n\0", "The file is not a text file: there are NUL bytes in it."),
        ("a.csv", b"\x1f\x8b\x08\x01\x02\x03", "The file is not a text file: it is full of"),
        ("a.csv", "a,b\n".encode("utf-16"), "The file is UTF-16 text; please save it as UTF-8."),
        ("a.csv", "имя,город\n".encode("cp1251"), "The file is not UTF-8 text; please save"),
    ],
)
def test_what_is_not_taken_is_said_why(name: str, content: bytes, said: str) -> None:
    """Size and type are checked, the type by name and by content."""
    with pytest.raises(UploadRefusedError) as raised:
        check_upload(SimpleUploadedFile(name, content))
    assert str(raised.value).startswith(said)


def test_a_file_is_kept_under_a_name_of_our_own(folder: Path) -> None:
    """The name that the client gave is nowhere in the path, and the whole content is there."""
    file = SimpleUploadedFile("../../etc/passwd.csv", b"a,b\n1,2\n")
    check_upload(file)
    path = upload_path(keep_upload(file))
    assert path.parent == folder
    assert "passwd" not in path.name
    assert path.read_bytes() == b"a,b\n1,2\n"
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "../x", "a" * 31, "A" * 32, "g" * 32, "a" * 33])
def test_a_name_that_is_not_of_our_making_is_no_path(name: str) -> None:
    """Whatever a message on the queue says, only uploads can be reached."""
    with pytest.raises(ValueError, match="not the name of an upload"):
        upload_path(name)


def test_forgotten_uploads_are_swept(folder: Path) -> None:
    """An upload whose job never ran is gone a day later, and others are not."""
    old, new = (upload_path(keep_upload(SimpleUploadedFile("a.csv", b"a\n"))) for _ in range(2))
    day_before = time.time() - 25 * 3600
    os.utime(old, (day_before, day_before))
    sweep_uploads()
    assert list(folder.iterdir()) == [new]
