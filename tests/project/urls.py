"""The URLs: those of the app, and those by which tests drive this process."""

from __future__ import annotations

from django.urls import include, path

from tests.project import views

urlpatterns = [
    path("", include("taskstatus.urls")),
    path("healthy/", views.healthy),
    path("drive/", views.drive),
    path("enqueue/", views.enqueue),
    path("login/", views.login),
]
