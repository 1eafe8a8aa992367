"""Count distinct texts in bounded memory."""

from __future__ import annotations

import hashlib
import heapq

__all__ = ["DistinctCounter"]

_KEPT = 4096
_HASH_BYTES = 8


class DistinctCounter:
    """
    How many different texts were seen: exact up to 4,096, then within a few percent.

    It keeps the smallest hashes only ("k minimum values"): when the k-th smallest of evenly
    spread numbers is known, so is about how many there are.
    """

    def __init__(self) -> None:
        # The same hashes twice: to ask for one, and, negated, to find the largest.
        self._hashes: set[int] = set()
        self._heap: list[int] = []
        self.exact = True

    def add(self, text: str) -> None:
        """Count the text, unless it was seen before."""
        digest = hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).digest()
        value = int.from_bytes(digest, "big")
        if value in self._hashes:
            return
        if len(self._heap) < _KEPT:
            heapq.heappush(self._heap, -value)
            self._hashes.add(value)
            return
        self.exact = False
        if value < -self._heap[0]:
            self._hashes.discard(-heapq.heapreplace(self._heap, -value))
            self._hashes.add(value)

    @property
    def count(self) -> int:
        """The number of distinct texts, an estimate unless ``exact``."""
        if self.exact:
            return len(self._heap)
        largest = -self._heap[0]
        return (_KEPT - 1) * (1 << 8 * _HASH_BYTES) // largest
