"""One long-poll: a request, and what its answer means. The one door to ``requests``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import requests
from requests.auth import AuthBase

from taskstatus.exceptions import AlreadyFinished, BadRequest, UnknownTask
from taskstatus.messages import TYPES
from taskstatus.terminal.address import StreamAddress
from taskstatus.terminal.exits import ExitCode, TerminalError
from taskstatus.terminal.patience import retry_after_seconds

__all__ = ["Batch", "Forbidden", "LongPoll", "NoStream", "Trouble"]

#: How long the server may wait for news, and how much longer the network may take.
WAIT_SECONDS = 25
SLACK_SECONDS = 10
CONNECT_SECONDS = 5
#: The server, or one in front of it, can't answer just now.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class Forbidden(TerminalError):
    """The server does not let you read this task."""

    exit_code = ExitCode.FORBIDDEN


class NoStream(TerminalError):
    """There is no task stream at this address."""


class Trouble(Exception):
    """There was no answer this time; another try is worth it."""

    def __init__(self, reason: str, *, retry_after: float = 0) -> None:
        super().__init__(reason)
        #: Seconds that the server asks to wait.
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a server has told at once."""

    #: Each has an integer ``version``.
    messages: list[dict[str, Any]]
    #: Where to go on.
    cursor: str
    #: Whether this is the end.
    ready: bool


class LongPoll:
    """Asks one address for news, over one connection as long as that lasts; a context manager."""

    def __init__(self, address: StreamAddress) -> None:
        self.host = address.host
        self._address = address
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connection."""
        self._session.close()

    def ask(self, cursor: str) -> Batch | None:
        """Return what came after the cursor (""; the current state), None when nothing does.

        Raises Trouble when it may be worth another try; UnknownTask, BadRequest, Forbidden and
        NoStream when it isn't.
        """
        return self._read(self._get(cursor))

    def cancel(self) -> None:
        """Ask the server to have the task stopped. Raises what says why it won't."""
        try:
            response = self._session.post(
                self._address.cancel_url,
                params=self._in_query(),
                auth=self._in_header(),
                timeout=(CONNECT_SECONDS, SLACK_SECONDS),
            )
        except requests.RequestException as exc:
            raise NoStream(f"{self.host} can't be asked: {exc}.") from exc
        if response.status_code == 409:
            raise AlreadyFinished
        if response.status_code != 202:
            try:
                self._read(response)
            except Trouble as trouble:
                raise NoStream(f"{trouble}.") from trouble
            raise NoStream(f"{self.host} did not say that it stops the task.")

    def _in_header(self) -> _Bearer | None:
        token = self._address.token
        return _Bearer(token) if token and not self._address.has_password else None

    def _in_query(self) -> dict[str, str]:
        # A URL with a password needs the header for that.
        token = self._address.token
        return {"token": token} if token and self._address.has_password else {}

    def _get(self, cursor: str) -> requests.Response:
        params = {"types": ",".join(TYPES), "wait": str(WAIT_SECONDS), **self._in_query()}
        if cursor:
            params["after"] = cursor
        try:
            return self._session.get(
                self._address.url,
                params=params,
                auth=self._in_header(),
                timeout=(CONNECT_SECONDS, WAIT_SECONDS + SLACK_SECONDS),
            )
        except requests.exceptions.SSLError as exc:
            raise NoStream(f"The certificate of {self.host} is not good: {exc}.") from exc
        except requests.ReadTimeout as exc:
            raise Trouble(f"{self.host} does not answer") from exc
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as exc:
            raise Trouble(f"{self.host} can't be reached, or the connection broke") from exc
        except requests.RequestException as exc:
            raise NoStream(f"{self.host} can't be asked: {exc}.") from exc

    def _read(self, response: requests.Response) -> Batch | None:
        status = response.status_code
        if status == 204:
            return None
        body = _json(response)
        if status == 200:
            return self._batch(body)
        detail = str(body.get("detail") or response.reason)
        if status in PASSING:
            wait = retry_after_seconds(response.headers.get("Retry-After", ""))
            raise Trouble(f"{self.host} answers {status} ({detail})", retry_after=wait)
        if status == 404 and body.get("code") == "unknown_task":
            raise UnknownTask
        if status in {401, 403}:
            raise Forbidden(f"{self.host} does not let you read this task: {detail}")
        if status == 400:
            raise BadRequest(f"{self.host} can't make sense of the request: {detail}")
        raise NoStream(f"{self.host} has no task stream at this address ({status} {detail}).")

    def _batch(self, body: dict[str, Any]) -> Batch:
        messages, cursor, ready = (body.get(key) for key in ("messages", "cursor", "ready"))
        if (
            not isinstance(messages, list)
            or not all(isinstance(message, dict) for message in messages)
            or not all(isinstance(message.get("version"), int) for message in messages)
            or not isinstance(cursor, str)
            or not isinstance(ready, bool)
        ):
            raise NoStream(f"{self.host} answers with something that is no task stream.")
        return Batch(messages=messages, cursor=cursor, ready=ready)


class _Bearer(AuthBase):
    """Sends the token in a header: URLs end up in logs. ``requests`` drops it at other hosts."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _json(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object that was answered, an empty one when it was something else."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
