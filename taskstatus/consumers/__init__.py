"""The three transports: thin shells around the feed."""

from taskstatus.consumers.longpoll import LongPollConsumer
from taskstatus.consumers.sse import SseConsumer
from taskstatus.consumers.websocket import TaskStatusConsumer

__all__ = ["LongPollConsumer", "SseConsumer", "TaskStatusConsumer"]
