"""The Django views: ``path("", include("taskstatus.urls"))``."""

from __future__ import annotations

from django.urls import re_path

from taskstatus import pages, views

__all__ = ["app_name", "urlpatterns"]

app_name = "taskstatus"
# The id may hold anything here, slashes included; the views say what is wrong with it. An id that
# itself ends in "/cancel" or "/page" can be followed and stopped, but has no snapshot.
_ID = r"^task_status/(?P<task_id>(?s:.*))/"
urlpatterns = [
    re_path(rf"{_ID}cancel/\Z", views.cancel, name="cancel"),
    re_path(rf"{_ID}page/\Z", pages.page, name="page"),
    re_path(rf"{_ID}\Z", views.snapshot, name="snapshot"),
]
