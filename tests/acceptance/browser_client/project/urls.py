"""The URLs of the test project, the page, and the static files."""

from __future__ import annotations

from django.contrib.staticfiles.views import serve
from django.urls import include, path

from tests.acceptance.browser_client.project import views

urlpatterns = [
    path("", include("tests.project.urls")),
    path("page/<str:task_ids>/", views.page),
    path("bare/", views.bare),
    path("favicon.ico", views.icon),
    path("static/<path:path>", serve, {"insecure": True}),
]
