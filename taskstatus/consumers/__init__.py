"""The three transports, for one task and for several: thin shells around the feed."""

from taskstatus.consumers.bundle_longpoll import BundleLongPollConsumer
from taskstatus.consumers.bundle_sse import BundleSseConsumer
from taskstatus.consumers.bundle_websocket import BundleWebSocketConsumer
from taskstatus.consumers.longpoll import LongPollConsumer
from taskstatus.consumers.sse import SseConsumer
from taskstatus.consumers.websocket import TaskStatusConsumer

__all__ = [
    "BundleLongPollConsumer",
    "BundleSseConsumer",
    "BundleWebSocketConsumer",
    "LongPollConsumer",
    "SseConsumer",
    "TaskStatusConsumer",
]
