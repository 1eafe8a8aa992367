"""The pages of the demo."""

from __future__ import annotations

from django.urls import path

from config.demo import views

__all__ = ["urlpatterns"]

urlpatterns = [
    path("", views.home, name="home"),
    path("jobs/<uuid:task_id>/", views.watch, name="job"),
    path("jobs/<uuid:task_id>/cut/", views.cut, name="cut"),
]
