"""Which running tasks have lost their worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from taskstatus.conf import settings
from taskstatus.stores import Pulse

__all__ = ["Stalls"]


class Stalls:
    """Tells from the leases which tasks became stalled, and which go on again.

    A lease counts as gone when it is missing twice, a third of STALLED_AFTER_SECONDS apart.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._missing: dict[str, float] = {}

    def judge(self, pulses: Sequence[Pulse], alive: Iterable[str]) -> list[tuple[Pulse, bool]]:
        """Return the tasks whose ``stalled`` must change, with its new value."""
        now = self._clock()
        workers = {pulse.worker for pulse in pulses if pulse.worker}
        missing = workers - set(alive)
        self._missing = {worker: self._missing.get(worker, now) for worker in missing}
        patience = settings.STALLED_AFTER_SECONDS / 3
        if patience < settings.RECONCILE_SECONDS:
            patience = 0  # looks are so far apart that one has to do
        gone = {worker for worker, since in self._missing.items() if now - since >= patience}
        verdicts = []
        for pulse in pulses:
            if not pulse.stalled and pulse.worker not in gone:
                continue  # nearly all of them, nearly always
            stalled = pulse.running and pulse.worker in gone
            if (
                pulse.worker
                and stalled != pulse.stalled
                and (stalled or pulse.worker not in missing)
            ):
                verdicts.append((pulse, stalled))
        return verdicts
