"""The template tag, and the page for browsers without script."""

from __future__ import annotations

import json
import re
import uuid
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.template import Context, Template
from django.test import AsyncClient, override_settings
from django.urls import set_script_prefix
from django.utils import translation

from taskstatus.access import make_token, read_token
from taskstatus.testing import TaskDriver
from taskstatus.texts import TEXTS

STATIC = Path(__file__).resolve().parents[2] / "taskstatus" / "static" / "taskstatus"


class Tags(HTMLParser):
    """The attributes of each element, by its name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str]] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.found[tag] = {name: value or "" for name, value in attrs}


def render(source: str = "{% task_status task %}", **context: object) -> dict[str, dict[str, str]]:
    """Return the elements that a template with the tag renders."""
    template = Template("{% load taskstatus %}" + source)
    return Tags(template.render(Context(context))).found


def test_renders_the_element_with_a_token_for_reading() -> None:
    """The token is good for this task and for nothing but reading it."""
    element = render(task="t-1")["task-status"]
    assert element.keys() == {"task", "token"}
    assert element["task"] == "t-1"
    assert read_token(element["token"], "t-1", "read") is not None
    assert read_token(element["token"], "t-1", "cancel") is None


@override_settings(STATIC_URL="/static/")
def test_renders_the_script_and_a_link_for_browsers_without() -> None:
    """The script is a module among the static files; the link carries the token, too."""
    found = render(task="a/b ü", csp_nonce="n")
    assert found["script"] == {
        "type": "module",
        "src": "/static/taskstatus/task-status.min.js",
        "nonce": "n",
    }
    link = urlsplit(found["a"]["href"])
    assert link.path == "/task_status/a/b%20%C3%BC/page/"
    assert link.query.startswith("token=")


def test_takes_options_as_attributes() -> None:
    """Label, transports, a short-lived token; and what the server is set to."""
    source = '{% task_status task label="A & B" transports="sse poll" max_age=-1 %}'
    with override_settings(TASKSTATUS_KEEPALIVE_SECONDS=0.5):
        element = render(source, task="t")["task-status"]
    assert (element["label"], element["transports"]) == ("A & B", "sse poll")
    assert element["keepalive"] == "0.5"
    assert read_token(element["token"], "t", "read") is None


def test_id_is_escaped() -> None:
    """An id is anybody's text, and must not become a part of the page."""
    assert render(task='"><script>')["task-status"]["task"] == '"><script>'


def test_names_the_folder_that_the_site_is_in() -> None:
    """A site below a prefix is found there."""
    set_script_prefix("/app/")
    try:
        assert render(task="t")["task-status"]["url"] == "/app/"
    finally:
        set_script_prefix("/")


def test_speaks_the_language_of_the_page() -> None:
    """Other texts than the element's own come along; in English there are none."""
    with translation.override("de"):
        texts = json.loads(render(task="t")["task-status"]["texts"])
    assert texts["SUCCESS"] == "Fertig"
    assert set(texts) <= set(TEXTS)
    with translation.override("en"):
        assert "texts" not in render(task="t")["task-status"]


def test_the_element_has_the_same_english_texts() -> None:
    """Names and words are those of element.js."""
    source = (STATIC / "element.js").read_text()
    block = re.search(r"const TEXTS = \{(.*?)\};", source, re.DOTALL)
    assert block
    with translation.override(None):
        ours = {name: str(text) for name, text in TEXTS.items()}
    assert dict(re.findall(r'(\w+): "(.*?)",', block[1])) == ours


@pytest.fixture
def task() -> TaskDriver:
    """Return a task that is under way."""
    driver = TaskDriver(str(uuid.uuid4()))
    driver.pending()
    driver.started()
    driver.progress(30, 120, "rows <of> it")
    return driver


async def get(path: str, **query: str) -> tuple[int, str]:
    """Return the status and the text of a page."""
    response = await AsyncClient().get(path, query)
    return response.status_code, response.content.decode()


@override_settings(STATIC_URL="/static/")
async def test_the_page_shows_a_task_and_loads_itself_again(task: TaskDriver) -> None:
    """Without script one sees how far the task is, until it has ended."""
    path, token = f"/task_status/{task.task_id}/page/", make_token(task.task_id)
    status, html = await get(path, token=token)
    found = Tags(html).found
    assert (status, found["progress"]["value"]) == (200, "25.0")
    assert "rows &lt;of&gt; it" in html
    assert found["meta"] == {"http-equiv": "refresh", "content": "5"}
    assert found["link"]["href"] == "/static/taskstatus/page.css"
    stay = found["a"]["href"]
    assert "refresh=0" in stay
    assert "http-equiv" not in (await get(path + stay))[1]
    task.failure(ValueError("line 3 is odd"))
    status, html = await get(path, token=token)
    assert "line 3 is odd" in html
    assert "http-equiv" not in html


async def test_the_page_is_closed_to_strangers(task: TaskDriver) -> None:
    """What the snapshot refuses, the page refuses, in words for people."""
    status, html = await get(f"/task_status/{task.task_id}/page/", token="forged")
    assert status == 403
    assert "<h1>This needs a token for the task" in html
    assert task.task_id not in html
    assert (await get("/task_status/nobody/page/", token=make_token("nobody")))[0] == 404
    assert (await AsyncClient().post("/task_status/nobody/page/")).status_code == 405
