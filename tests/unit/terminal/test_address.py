"""The addresses of a task's streams."""

from __future__ import annotations

import pytest

from taskstatus.terminal.address import StreamAddress, is_url, stream_urls


@pytest.mark.parametrize("text", ["http://x/", "https://x/", "ws://x/", "WSS://x/"])
def test_a_url_is_recognised(text: str) -> None:
    """What begins with a scheme of ours is a URL."""
    assert is_url(text)


@pytest.mark.parametrize("text", ["3d56a9cc-b5d8", "a/b", "http:", "redis://x/", "//x/", ""])
def test_everything_else_is_an_id(text: str) -> None:
    """A task id may look like anything but one of our URLs."""
    assert not is_url(text)


def test_the_three_urls_of_a_task_stand_under_the_base_url() -> None:
    """A path in the base URL is kept, and the WebSocket's scheme follows the site's."""
    assert stream_urls("https://example.org/app/", "t") == {
        "websocket": "wss://example.org/app/ws/task_status/t/",
        "sse": "https://example.org/app/sse/task_status/t/",
        "longpoll": "https://example.org/app/poll/task_status/t/",
    }


def test_an_id_is_percent_encoded_as_a_whole() -> None:
    """A slash in an id is no slash in its URL."""
    assert stream_urls("http://h", "a/b ü?")["sse"].endswith("/task_status/a%2Fb%20%C3%BC%3F/")


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "http://", "http://h?a=b"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    """The error shows what was given, and an example."""
    with pytest.raises(ValueError, match="as http://localhost:8000"):
        stream_urls(url, "t")


@pytest.mark.parametrize(
    "url",
    [
        "http://h:1/app/poll/task_status/a%2Fb/",
        "http://h:1/app/sse/task_status/a%2Fb/?types=status&heartbeat=1",
        "ws://h:1/app/ws/task_status/a%2Fb/",
        "http://h:1/app/task_status/a%2Fb/",
        "http://h:1/app/task_status/a%2Fb",
    ],
)
def test_any_url_of_a_task_leads_to_its_long_poll(url: str) -> None:
    """It makes no difference which transport a URL was made for."""
    assert StreamAddress.from_url(url).url == "http://h:1/app/poll/task_status/a%2Fb/"


def test_a_secure_websocket_leads_to_https() -> None:
    """What was encrypted stays so."""
    url = StreamAddress.from_url("wss://h/ws/task_status/t/").url
    assert url == "https://h/poll/task_status/t/"


def test_token_and_cursor_are_taken_from_the_query_and_the_rest_stays() -> None:
    """What is not ours may be meant for somebody on the way."""
    address = StreamAddress.from_url("http://h/sse/task_status/t/?token=T&after=7&tenant=x&wait=0")
    assert (address.token, address.after) == ("T", "7")
    assert address.url == "http://h/poll/task_status/t/?tenant=x"


def test_a_token_that_is_given_apart_wins() -> None:
    """What was typed now is newer than what was copied."""
    assert StreamAddress.from_url("http://h/task_status/t/?token=old", token="new").token == "new"


def test_a_password_is_sent_and_not_shown() -> None:
    """The host's name is for messages."""
    address = StreamAddress.from_url("http://me:secret@h:1/task_status/t/")
    assert address.has_password
    assert address.host == "h:1"


@pytest.mark.parametrize("url", ["http://h/", "http://h/poll/", "http:///task_status/t/"])
def test_a_url_of_something_else_is_refused(url: str) -> None:
    """The error shows what a task's URL looks like."""
    with pytest.raises(ValueError, match="no URL of a task"):
        StreamAddress.from_url(url)
