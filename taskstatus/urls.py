"""The Django views: ``path("", include("taskstatus.urls"))``."""

from __future__ import annotations

from django.urls import re_path

from taskstatus import views

__all__ = ["app_name", "urlpatterns"]

app_name = "taskstatus"
# The id may hold anything here, slashes included; the view says what is wrong with it.
urlpatterns = [re_path(r"^task_status/(?P<task_id>(?s:.*))/\Z", views.snapshot, name="snapshot")]
