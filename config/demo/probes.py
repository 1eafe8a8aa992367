"""Is a port free, does a Redis answer, is a page served? Asked once, answered soon."""

from __future__ import annotations

import http.client
import socket

import redis

from config.demo.exceptions import DemoError, RedisUnavailableError
from config.demo.redis_server import free_port

__all__ = ["HOST", "check_redis", "choose_port", "is_served"]

HOST = "127.0.0.1"
_USUAL_PORT = 8000


def choose_port(wanted: int | None) -> int:
    """Return the port if it is free; without a wish 8000, or else another free one."""
    if _is_free(wanted or _USUAL_PORT):
        return wanted or _USUAL_PORT
    if wanted:
        raise DemoError(f"Port {wanted} is in use; choose another one with --port, or none at all.")
    return free_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does, or else a port would count as used for a minute after it was.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise DemoError(f"Port {port} is not ours to use; choose one above 1023.") from None
        except OSError:
            return False
        return True


def check_redis(url: str) -> None:
    """Raise RedisUnavailableError unless a Redis answers there."""
    try:
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3) as client:
            client.ping()
    except ValueError:
        raise RedisUnavailableError("REDIS_URL is not the URL of a Redis (redis://…).") from None
    except redis.RedisError as error:
        # Neither the URL nor anything that repeats it: there may be a password in it.
        why = type(error).__name__
        raise RedisUnavailableError(
            f"The Redis that REDIS_URL names does not answer ({why})."
        ) from error


def is_served(port: int, path: str) -> bool:
    """Return whether a GET is answered with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
