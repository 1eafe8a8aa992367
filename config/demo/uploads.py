"""A file that a visitor gives: looked at, then kept under a name of our own making."""

from __future__ import annotations

import secrets
import time
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

__all__ = ["UploadRefusedError", "check_upload", "keep_upload", "sweep_uploads", "upload_path"]

EXTENSIONS = (".csv", ".tsv", ".txt")
_SNIFFED_BYTES = 64 * 1024
_TEXT_CONTROLS = b"\t\n\v\f\r\x1b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NAME_LENGTH = 32
_FORGOTTEN_SECONDS = 24 * 3600


class UploadRefusedError(ValueError):
    """The file cannot be taken; the text says why, to the visitor."""


def check_upload(file: UploadedFile[Any]) -> None:
    """Raise UploadRefusedError unless the file is of the size and type that is allowed."""
    limit = settings.DEMO_MAX_UPLOAD_BYTES
    name = PurePath(file.name or "").name
    size = file.size or 0
    if PurePath(name).suffix.lower() not in EXTENSIONS:
        allowed = ", ".join(EXTENSIONS)
        raise UploadRefusedError(f"The name of the file must end in one of {allowed}.")
    if size > limit:
        megabytes = f"{size / 1024**2:,.1f} MiB, and {limit / 1024**2:,.0f} MiB is the limit"
        raise UploadRefusedError(f"The file is too large: it has {megabytes}.")
    if size == 0:
        raise UploadRefusedError("The file is empty.")
    file.seek(0)
    _check_text(file.read(_SNIFFED_BYTES))


def _check_text(start: bytes) -> None:
    """
    Refuse what is not text at all, by how it starts.

    That a text is broken somewhere is for the job to find out, which can name the line.
    """
    if start.startswith(_UTF16_MARKS):
        raise UploadRefusedError("The file is UTF-16 text; please save it as UTF-8.")
    if b"\0" in start:
        raise UploadRefusedError("The file is not a text file: there are NUL bytes in it.")
    controls = sum(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in start)
    if controls > len(start) / 100:
        raise UploadRefusedError("The file is not a text file: it is full of control characters.")
    text = start.decode("utf-8", errors="replace")
    if text.count("\N{REPLACEMENT CHARACTER}") > 0.3 * len(text):
        raise UploadRefusedError("The file is not UTF-8 text; please save it as UTF-8.")


def keep_upload(file: UploadedFile[Any]) -> str:
    """Store the file and return the name it has now, which nobody can guess."""
    name = secrets.token_hex(_NAME_LENGTH // 2)
    path = upload_path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("xb") as kept:
        kept.writelines(file.chunks())
    return name


def upload_path(name: str) -> Path:
    """Return where the upload of that name is. Raises ValueError if it is no such name."""
    if len(name) != _NAME_LENGTH or not set(name) <= set("0123456789abcdef"):
        raise ValueError(f"not the name of an upload: {name!r}")
    return Path(settings.DEMO_UPLOADS_DIR) / name


def sweep_uploads() -> None:
    """Remove uploads whose job never ran: a job removes its own when it ends."""
    oldest = time.time() - _FORGOTTEN_SECONDS
    for path in Path(settings.DEMO_UPLOADS_DIR).glob("*"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
