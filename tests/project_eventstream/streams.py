"""The site's own channels, which go on beside those of tasks."""

from __future__ import annotations

from typing import Any

from django_eventstream.channelmanager import DefaultChannelManager

from taskstatus.eventstream.channels import TaskChannelManager

__all__ = ["ChannelManager"]


class NewsChannels(DefaultChannelManager):  # type: ignore[misc]
    """Everybody may read the news; nobody keeps it."""

    def can_read_channel(self, user: Any, channel: str) -> bool:
        """Open one channel."""
        return channel == "news"

    def is_channel_reliable(self, channel: str) -> bool:
        """Keep nothing."""
        return False


class ChannelManager(TaskChannelManager):
    """The channels of tasks, and the news."""

    others = NewsChannels()
