"""``EVENTSTREAM_STORAGE_CLASS``: the log of our store, as django-eventstream reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase

from taskstatus.eventstream import relay
from taskstatus.eventstream.names import BEGINNING, task_id_of
from taskstatus.exceptions import StoreUnavailable
from taskstatus.messages import Message
from taskstatus.stores import Reading, get_store

__all__ = ["TaskStorage"]


class TaskStorage(StorageBase):  # type: ignore[misc]
    """Reads tasks' messages; the id of an event is the version of its message.

    Every read by a stream of this process sees to it that the stream is woken when there is more.
    A site that keeps events of its own names their storage in a subclass:
    ``others = DjangoModelStorage()``.
    """

    others: ClassVar[StorageBase | None] = None

    def append_event(self, channel: str, event_type: str, data: object) -> Event:
        """Store an event of the site's own; what happens to a task is told by the task alone."""
        if task_id_of(channel) is not None:
            raise NotImplementedError(
                f"{channel!r} is the channel of a task: its events come from Celery, track(), "
                "progress() and log(), and can't be sent by send_event()."
            )
        return self._other(channel).append_event(channel, event_type, data)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return what came after ``last_id``, oldest first: the snapshot and what follows, from 0.

        Nothing comes of a task that is unknown as yet, or while the store does not answer. Raises
        EventDoesNotExist when what came after is no longer kept; the snapshot follows.
        """
        task_id = task_id_of(channel)
        if task_id is None:
            events: list[Event] = self._other(channel).get_events(channel, last_id, limit=limit)
            return events
        try:
            reading = _read(task_id, last_id)
        except StoreUnavailable:
            relay.follow_for_listeners(channel, task_id, again=True)
            return []
        if last_id != BEGINNING and not (reading and reading.resumes(last_id)):
            relay.wake(channel)
            raise EventDoesNotExist(f"{channel} is not kept back to {last_id}", BEGINNING)
        if reading is None or not reading.status.ready:
            relay.follow_for_listeners(channel, task_id)
        messages = reading.messages if reading else []
        # A full answer would make the view read its *other* channels again from where they were
        # before. A stream of this process comes back for the rest by itself.
        if len(messages) >= limit and relay.wake(channel):
            limit -= 1
        return [_event(channel, message) for message in messages[:limit]]

    def get_current_id(self, channel: str) -> int:
        """Return where a page should let its stream begin: for a task, before its snapshot."""
        if task_id_of(channel) is None:
            return int(self._other(channel).get_current_id(channel))
        return BEGINNING

    def _other(self, channel: str) -> StorageBase:
        if self.others is None:
            raise NotImplementedError(
                f"{channel!r} is no channel of a task; see TaskStorage.others."
            )
        return self.others


def _read(task_id: str, last_id: int) -> Reading | None:
    """Return what is known of a task, with the messages after a position."""
    store = get_store()
    if last_id != BEGINNING:
        return store.read(task_id, last_id)
    reading = store.read(task_id, newer=True)
    if reading is None:
        return None
    # The snapshot stands for what came before it; only what is newer goes along.
    return replace(reading, messages=[reading.status, *reading.messages])


def _event(channel: str, message: Message) -> Event:
    return Event(channel, message.kind, message.json, id=message.version)
