"""Views by which tests drive this process and get sessions and tokens. Never for production."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import celery
from django.contrib import auth
from django.contrib.auth.models import Permission, User
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from taskstatus.access import make_token
from tests.project import drivers
from tests.project.celery import app

if TYPE_CHECKING:
    from typing import Any


@require_GET
def healthy(request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"healthy": True})


@csrf_exempt
@require_POST
def drive(request: HttpRequest) -> JsonResponse:
    """Play steps of a task's life in this process; answer its id and a token for it."""
    order = json.loads(request.body)
    task_id = order["task_id"]
    steps = order.get("steps") or []
    if steps:
        drivers.play(
            task_id, steps, name=order.get("name", "tests.driven"), owner=order.get("owner")
        )
    return answer(task_id, order)


@csrf_exempt
@require_POST
def enqueue(request: HttpRequest) -> JsonResponse:
    """Enqueue a task by its name, or any canvas by its serialised signature."""
    order = json.loads(request.body)
    if "signature" in order:
        signature = celery.Signature.from_dict(order["signature"], app=app)
        result = signature.apply_async(**order.get("options", {}))
    else:
        result = app.send_task(
            order["task"],
            args=order.get("args", []),
            kwargs=order.get("kwargs", {}),
            **order.get("options", {}),
        )
    return answer(str(result.id), order)


@require_GET
def login(request: HttpRequest) -> JsonResponse:
    """Log ``?user=`` in, making the user if need be; ``&permission=`` grants one."""
    user, _ = User.objects.get_or_create(username=request.GET["user"])
    if codename := request.GET.get("permission"):
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label="taskstatus", codename=codename)
        )
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return JsonResponse({"user_id": str(user.pk)})


def answer(task_id: str, order: dict[str, Any]) -> JsonResponse:
    """Answer the id, and a token made as the order says."""
    token = make_token(task_id, **order.get("token", {}))
    return JsonResponse({"task_id": task_id, "token": token})
