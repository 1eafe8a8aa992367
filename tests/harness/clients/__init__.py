"""Clients of the wire protocol, one for each transport. They share no code with the product."""

from tests.harness.clients.base import Client, End, Ended, StreamEnded
from tests.harness.clients.longpoll import LongPollClient
from tests.harness.clients.message import Message, states_of
from tests.harness.clients.sse import SseClient
from tests.harness.clients.websocket import WebSocketClient

__all__ = [
    "TRANSPORTS",
    "Client",
    "End",
    "Ended",
    "LongPollClient",
    "Message",
    "SseClient",
    "StreamEnded",
    "WebSocketClient",
    "states_of",
]

#: The client of each transport, by name.
TRANSPORTS: dict[str, type[Client]] = {
    client.transport: client for client in (WebSocketClient, SseClient, LongPollClient)
}
