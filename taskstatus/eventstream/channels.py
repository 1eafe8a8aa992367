"""``EVENTSTREAM_CHANNELMANAGER_CLASS``: which channels a request means, and who may read them."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django_eventstream.channelmanager import ChannelManagerBase, DefaultChannelManager
from django_eventstream.eventrequest import EventRequest

from taskstatus.access import Caller, is_allowed
from taskstatus.eventstream.names import channel_of, task_id_of
from taskstatus.eventstream.positions import complete_positions
from taskstatus.exceptions import BadRequest
from taskstatus.messages import parse_task_id
from taskstatus.requests import bearer_token

__all__ = ["TaskChannelManager", "token_of"]

#: EventRequest's own limit.
MAX_CHANNELS = 10


class _TaskChannel(str):
    """A task's channel as one request asked for it, with what our access policy said to that.

    django-eventstream hands a request's channels back as they are, and asks again each time it
    reads; whoever it asks knows the user, but not the token that came with the request.
    """

    __slots__ = ("allowed", "expires")
    allowed: bool
    expires: float | None

    def is_open(self) -> bool:
        """Return whether its request may read it now."""
        return self.allowed and (self.expires is None or time.time() < self.expires)


class TaskChannelManager(ChannelManagerBase):  # type: ignore[misc]
    """Serves the channels of tasks, closed by default, by the policy of all our transports.

    A request names its tasks by ``task_id`` in the URL, or by their channels (``task-<id>``) in any
    of the ways that django-eventstream knows. A site with channels of its own names their manager
    in a subclass: ``others = SiteChannelManager()``. Without one, such channels are closed.
    """

    others: ClassVar[ChannelManagerBase | None] = None

    def get_channels_for_request(
        self, request: HttpRequest, view_kwargs: dict[str, Any]
    ) -> set[str]:
        """Return the channels that a request asks for, those of tasks with its access decided.

        Raises EventRequest.Error for a malformed request, and StoreUnavailable.
        """
        if "task_id" in view_kwargs:
            names = {channel_of(view_kwargs["task_id"])}
        else:
            manager = self.others or DefaultChannelManager()
            names = manager.get_channels_for_request(request, view_kwargs)
        if len(names) > MAX_CHANNELS:
            return set(names)  # the view refuses them, so nobody need ask the policy so often
        try:
            channels = {_admitted(name, request) for name in names}
            complete_positions(request, channels)
        except BadRequest as error:
            raise EventRequest.Error(str(error).rstrip(".")) from error
        return channels

    def can_read_channel(self, user: Any, channel: str) -> bool:
        """Return whether a user (None: anonymous) may read a channel."""
        if isinstance(channel, _TaskChannel):
            return channel.is_open()
        task_id = task_id_of(channel)
        if task_id is None:
            return self.others is not None and bool(self.others.can_read_channel(user, channel))
        # Asked by name, as channel_permission_changed() does: there is no request, and no token.
        return async_to_sync(is_allowed)(Caller({"user": _known(user)}), task_id)

    def is_channel_reliable(self, channel: str) -> bool:
        """Return whether the storage keeps a channel's events; it keeps all those of tasks."""
        if task_id_of(channel) is None:
            return self.others is not None and bool(self.others.is_channel_reliable(channel))
        return True


def _admitted(name: str, request: HttpRequest) -> str:
    task_id = task_id_of(name)
    if task_id is None:
        return name
    parse_task_id(task_id)
    caller = _caller(request)
    channel = _TaskChannel(name)
    # Now and not when the stream reads, because a failure can still be told by a status code.
    channel.allowed = async_to_sync(is_allowed)(caller, task_id)
    channel.expires = caller.expires
    return channel


def token_of(request: HttpRequest) -> str:
    """Return the access token that came with a request, "" without one."""
    authorization = request.headers.get("Authorization", "")
    return request.GET.get("token") or bearer_token({"authorization": authorization})


def _caller(request: HttpRequest) -> Caller:
    token = token_of(request)
    scope = dict(getattr(request, "scope", {}))
    if not token:
        scope["user"] = _known(getattr(request, "user", None))
    return Caller(scope, token=token)


def _known(user: Any) -> Any:
    from django.contrib.auth.models import AnonymousUser  # needs the apps to be loaded

    # This loads a lazy user here, on Django's own thread, and not on the event loop.
    return user if user is not None and user.is_authenticated else AnonymousUser()
