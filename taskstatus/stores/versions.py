"""The newest versions of many tasks at once: reconciling asks for nothing else, and often."""

from __future__ import annotations

from collections.abc import Sequence

from taskstatus.resp import Refusal, pack
from taskstatus.stores.pipe import Pipe, Script

__all__ = ["Versions"]

#: One answer for all of them: an answer for each costs Python ten times as much as Redis.
SCRIPT = Script("""
local versions = {}
for at, record in ipairs(KEYS) do versions[at] = redis.call('HGET', record, 'version') or '0' end
return table.concat(versions, ' ')
""")
#: What says that it will be refused the next time as well.
REFUSALS = ("CROSSSLOT", "NOPERM", "unknown command")
#: Records in one call of the script: Redis does nothing else meanwhile.
MOST = 500


class Versions:
    """Reads them by a script, or one by one where a script may not touch several records.

    Those are Redis Cluster, where they lie in different slots, and users without scripts.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._refused = False

    async def read(self, records: Sequence[str]) -> list[int]:
        """Return the version in each of these records, 0 for one that is not there."""
        versions: list[int] = []
        for start in range(0, len(records), MOST):
            versions += await self._read(records[start : start + MOST])
        return versions

    async def _read(self, records: Sequence[str]) -> list[int]:
        if self._refused:
            return await self._ask_each(records)
        [answer] = await SCRIPT.run(self._pipe, (records, ()))
        if isinstance(answer, Refusal):
            self._refused = any(reason in str(answer) for reason in REFUSALS)
            # A reason that has to do with more than the script shows here, too.
            return await self._ask_each(records)
        return [int(version) for version in answer.split()]

    async def _ask_each(self, records: Sequence[str]) -> list[int]:
        answers = await self._pipe.ask([pack("HGET", record, "version") for record in records])
        return [int(version or 0) for version in answers]
