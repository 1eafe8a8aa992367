"""Where events come from: what a worker does to tell its task's viewers, on each subject."""

from __future__ import annotations

import json
import socket
import uuid
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer
from redis import Redis

from benchmarks.wire.http import END, ResponseParser
from taskstatus.access import make_token
from taskstatus.stores import get_store
from taskstatus.testing import TaskDriver

__all__ = [
    "NchanSource",
    "SocketIoSource",
    "Source",
    "TaskstatusSource",
    "TutorialSource",
    "example",
    "new_ids",
]

PREFIXES = {"websocket": "ws", "sse": "sse", "longpoll": "poll"}
_PLACE = "bench:place"


def new_ids(count: int) -> list[str]:
    """Return ids of tasks that nobody knows yet."""
    return [str(uuid.uuid4()) for _ in range(count)]


class Source(Protocol):
    """Tasks and their events."""

    def begin(self, task: str) -> str:
        """Make a task known; return the path at which it is followed."""

    def tell(self, task: str, mark: str) -> None:
        """Publish how far the task is, with a mark."""

    def line(self, task: str, mark: str) -> None:
        """Publish an event that nothing may stand for, with a mark."""


class TaskstatusSource:
    """Publishes as a worker does, throttling apart."""

    def __init__(self, transport: str) -> None:
        self._prefix = PREFIXES[transport]
        self._drivers: dict[str, TaskDriver] = {}

    def begin(self, task: str) -> str:
        """Enqueue and start it."""
        driver = self._drivers[task] = TaskDriver(task, name="benchmark")
        driver.pending()
        driver.started()
        query = f"token={make_token(task)}&types=status,log"
        return f"/{self._prefix}/task_status/{task}/?{query}"

    def tell(self, task: str, mark: str) -> None:
        """Publish a progress."""
        self._drivers[task].progress(1, 2, mark)

    def line(self, task: str, mark: str) -> None:
        """Publish a log line."""
        self._drivers[task].log(mark)


def example() -> str:
    """Return what taskstatus sends for one progress, with a place for the mark."""
    source = TaskstatusSource("websocket")
    [task] = new_ids(1)
    source.begin(task)
    source.tell(task, _PLACE)
    reading = get_store().read(task)
    assert reading is not None
    return reading.status.json


class _PeerSource:
    """Tells the very JSON that taskstatus would send."""

    def __init__(self) -> None:
        self._example = example()

    def message(self, mark: str) -> str:
        """Return the JSON with this mark."""
        return self._example.replace(_PLACE, mark)

    def send(self, task: str, message: str) -> None:
        """Publish a message."""
        raise NotImplementedError

    def tell(self, task: str, mark: str) -> None:
        """Publish the JSON."""
        self.send(task, self.message(mark))

    line = tell


class TutorialSource(_PeerSource):
    """A new event loop and a new connection each time, as the tutorial's helper does it."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._layer = RedisChannelLayer(hosts=[{"address": redis_url, "socket_timeout": None}])

    def begin(self, task: str) -> str:
        """Return the path; no task need be known."""
        return f"/ws/task_status/{task}/"

    def send(self, task: str, message: str) -> None:
        """Send to the task's group."""
        event: dict[str, Any] = {"type": "task_status_update", "data": json.loads(message)}
        async_to_sync(self._layer.group_send)(f"task_{task}", event)


class SocketIoSource(_PeerSource):
    """PUBLISH to Redis; the server subscribes."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis = Redis.from_url(redis_url)

    def begin(self, task: str) -> str:
        """Return the path; no task need be known."""
        return f"/socket.io/?EIO=4&transport=websocket&task={task}"

    def send(self, task: str, message: str) -> None:
        """Publish."""
        self._redis.publish(f"task:{task}", message)


class NchanSource(_PeerSource):
    """POST to nginx on one connection; Nchan's own memory is the store."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def begin(self, task: str) -> str:
        """Publish a first message, which is every client's snapshot."""
        self.send(task, self.message("begun"))
        return f"/subscribe/{task}/"

    def send(self, task: str, message: str) -> None:
        """Post and wait for the answer."""
        body = message.encode()
        self._socket.sendall(
            f"POST /publish/{task}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        answer = ResponseParser()
        while END not in answer.feed(received := self._socket.recv(65_536)):
            if not received:
                raise ConnectionError("Nchan has closed the publisher's connection.")
