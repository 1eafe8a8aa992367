"""What a page says about a task, translatable; the same words as the element has in element.js."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TEXTS", "state_text", "translated_texts"]

#: By state, and by what else they are for.
TEXTS: Mapping[str, Promise] = {
    "PENDING": _("Queued"),
    "RECEIVED": _("Accepted"),
    "STARTED": _("Running"),
    "PROGRESS": _("Running"),
    "RETRY": _("Trying again"),
    "SUCCESS": _("Done"),
    "FAILURE": _("Failed"),
    "REVOKED": _("Stopped"),
    "REJECTED": _("Rejected"),
    "IGNORED": _("Ended"),
    "label": _("Progress"),
    "of": _("{current} of {total}"),
    "elapsed": _("{time} elapsed"),
    "left": _("{time} left"),
    "stalled": _("Its worker shows no sign of life."),
    "waiting": _("Reconnecting…"),
    "refused": _("Its status cannot be shown ({code})."),
    "log": _("Log"),
}


def state_text(state: str) -> str:
    """Return the word for a state; a state of a task's own stands for itself."""
    return str(TEXTS.get(state, state))


def translated_texts() -> dict[str, str]:
    """Return those texts that are other ones in the language of now than in English."""
    if get_language() is None:
        return {}
    with override(None):
        english = {name: str(text) for name, text in TEXTS.items()}
    return {name: str(text) for name, text in TEXTS.items() if str(text) != english[name]}
