"""Being in INSTALLED_APPS is enough: Celery is listened to, and tasks have owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import celery
import pytest
from celery import signals
from django.apps import apps
from django.contrib.auth.models import Permission
from django.core import checks

from taskstatus import receivers
from taskstatus.apps import AUTHENTICATION, OWNER_MIDDLEWARE, TaskStatusConfig
from taskstatus.checks import check_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django.fixtures import Settings

#: Each signal, and how the function that receives it is called.
HEARD = [
    "before_task_publish",
    "task_received",
    "task_prerun",
    "task_success",
    "task_failure",
    "task_retry",
    "task_revoked",
    "task_unknown",
    "task_rejected",
    "task_internal_error",
    "task_postrun",
    "worker_init",
    "worker_ready",
    "worker_process_shutdown",
    "worker_shutdown",
]


def config() -> TaskStatusConfig:
    """Return the app as Django has it."""
    found = apps.get_app_config("taskstatus")
    assert isinstance(found, TaskStatusConfig)
    return found


def ours(signal: Any) -> list[Callable[..., None]]:
    """Return those receivers of a signal that are ours."""
    return [
        receiver
        for _, receiver in signal.receivers
        if getattr(receiver, "__module__", "") == receivers.signals.__name__
    ]


@pytest.mark.parametrize("name", HEARD)
def test_signal_is_heard_once(name: str) -> None:
    """However often the app is made ready, one word of Celery's is one change of ours."""
    config().ready()
    (receiver,) = ours(getattr(signals, name))
    assert receiver.__name__ == name


def test_no_other_signal_is_heard() -> None:
    """A receiver that is added has to be thought about here."""
    for name in signals.__all__:
        assert bool(ours(getattr(signals, name))) is (name in HEARD), name


@pytest.mark.parametrize("name", ["update_state", "retry", "on_replace"])
def test_method_without_a_signal_is_wrapped_once(name: str) -> None:
    """Celery's own method lies right under ours, whatever is done twice."""
    config().ready()
    wrapper = getattr(celery.Task, name)
    assert wrapper.__globals__["__name__"] == "taskstatus.receivers.calls"
    original = wrapper.__wrapped__
    assert original.__globals__["__name__"] == "celery.app.task"
    assert not hasattr(original, "__wrapped__")


def test_owner_middleware_is_added_once(settings: Settings) -> None:
    """After what is there, where users are known."""
    settings.MIDDLEWARE = [AUTHENTICATION, "some.other.Middleware"]
    config().ready()
    config().ready()
    assert settings.MIDDLEWARE == [AUTHENTICATION, "some.other.Middleware", OWNER_MIDDLEWARE]


def test_owner_middleware_stays_where_the_project_has_put_it(settings: Settings) -> None:
    """Nothing is added to a list that has it."""
    settings.MIDDLEWARE = [AUTHENTICATION, OWNER_MIDDLEWARE, "some.other.Middleware"]
    config().ready()
    assert settings.MIDDLEWARE == [AUTHENTICATION, OWNER_MIDDLEWARE, "some.other.Middleware"]


def test_project_without_users_gets_no_middleware(settings: Settings) -> None:
    """There would be nothing for it to see."""
    settings.MIDDLEWARE = ["some.other.Middleware"]
    config().ready()
    assert settings.MIDDLEWARE == ["some.other.Middleware"]


def test_test_project_has_the_middleware(settings: Settings) -> None:
    """It came by itself."""
    assert settings.MIDDLEWARE[-1] == OWNER_MIDDLEWARE


def test_settings_are_checked() -> None:
    """``manage.py check`` knows of us, once."""
    config().ready()
    registered: list[object] = list(checks.registry.registry.get_checks())
    assert registered.count(check_settings) == 1


@pytest.mark.django_db
def test_permission_exists_after_migrate() -> None:
    """``taskstatus.view_taskstatus``, and no other: there is nothing to add, change or delete."""
    found = Permission.objects.filter(content_type__app_label="taskstatus")
    assert [permission.codename for permission in found] == ["view_taskstatus"]


def test_there_is_no_table() -> None:
    """Statuses live in the store; the model is there for its permission."""
    model = apps.get_model("taskstatus", "TaskStatus")
    assert model._meta.managed is False
    assert str(model()) == "task status"
