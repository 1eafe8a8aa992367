"""Who enqueues a task: the user of the request that is being served, found without harm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from taskstatus import owner
from taskstatus.owner import OwnerMiddleware

if TYPE_CHECKING:
    from django.http import HttpRequest


@pytest.fixture
def request_of_7() -> HttpRequest:
    """Return a request of user 7."""
    request = RequestFactory().get("/")
    request.user = User(pk=7)
    return request


def answer(request: HttpRequest) -> HttpResponse:
    """A view that says who it is that enqueues."""
    return HttpResponse(owner.current())


async def async_answer(request: HttpRequest) -> HttpResponse:
    """The same, asynchronously."""
    return HttpResponse(owner.current())


def serve(request: HttpRequest, view: Any = answer) -> str:
    """Serve a request; return what the view has answered."""
    response = OwnerMiddleware(view)(request)
    assert isinstance(response, HttpResponse)
    return response.content.decode()


async def aserve(request: HttpRequest, view: Any = async_answer) -> str:
    """Serve a request asynchronously; return what the view has answered."""
    response: Any = OwnerMiddleware(view)(request)
    return str((await response).content.decode())


def test_user_of_the_request_is_the_owner(request_of_7: HttpRequest) -> None:
    """While it is served, and no longer."""
    assert owner.current() == ""
    assert serve(request_of_7) == "7"
    assert owner.current() == ""


async def test_user_of_an_async_view_is_the_owner(request_of_7: HttpRequest) -> None:
    """Under ASGI as under WSGI."""
    assert await aserve(request_of_7) == "7"
    assert owner.current() == ""


async def test_thread_of_a_view_has_its_owner(request_of_7: HttpRequest) -> None:
    """Code that an async view runs in a thread enqueues for the same user."""

    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(await sync_to_async(owner.current)())

    assert await aserve(request_of_7, view) == "7"


async def test_requests_at_the_same_time_are_kept_apart() -> None:
    """Each view sees its own user, however they are mixed."""
    requests = []
    for number in range(10):
        request = RequestFactory().get("/")
        request.user = User(pk=number)
        requests.append(request)

    async def slow(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0)
        return HttpResponse(owner.current())

    answers = await asyncio.gather(*[aserve(request, slow) for request in requests])
    assert answers == [str(number) for number in range(10)]


@pytest.mark.parametrize("user", [AnonymousUser(), None])
def test_anonymous_request_has_no_owner(user: Any) -> None:
    """Nobody is nobody."""
    request = RequestFactory().get("/")
    if user is not None:
        request.user = user
    assert serve(request) == ""


async def test_lazy_user_is_loaded_off_the_event_loop() -> None:
    """The session's query must not block the loop, nor be forbidden there."""
    loaded_on_loop: list[bool] = []

    def load() -> User:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            loaded_on_loop.append(False)
        else:
            loaded_on_loop.append(True)
        return User(pk=7)

    request = RequestFactory().get("/")
    request.user = SimpleLazyObject(load)  # type: ignore[assignment]
    assert await aserve(request) == "7"
    assert loaded_on_loop == [False]


@pytest.mark.parametrize("error", [OperationalError("no database"), ConnectionError("no cache")])
async def test_session_that_cannot_be_read_leaves_the_task_without_owner(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """The task must become known all the same, be it that a cache with sessions is away."""

    def fail() -> User:
        raise error

    request = RequestFactory().get("/")
    request.user = SimpleLazyObject(fail)  # type: ignore[assignment]
    assert serve(request) == ""
    assert await aserve(request) == ""
    assert caplog.text.count("The owner of a task could not be told") == 2


def test_failing_view_leaves_no_owner_behind(request_of_7: HttpRequest) -> None:
    """The next request of this thread starts from nothing."""

    def fail(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        serve(request_of_7, fail)
    assert owner.current() == ""


def test_middleware_is_as_asynchronous_as_what_it_wraps() -> None:
    """Django need not adapt it in either direction."""
    assert OwnerMiddleware.sync_capable
    assert OwnerMiddleware.async_capable
    assert iscoroutinefunction(OwnerMiddleware(async_answer))
    assert not iscoroutinefunction(OwnerMiddleware(answer))
