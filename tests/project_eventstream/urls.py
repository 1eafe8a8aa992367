"""The URLs of the test project, those of django-eventstream's views, and a page that uses them."""

from __future__ import annotations

from django.contrib.staticfiles.views import serve
from django.urls import include, path
from django_eventstream import views as stock

from taskstatus.eventstream.views import events
from tests.project_eventstream import views

urlpatterns = [
    path("", include("tests.project.urls")),
    # Ours, and django-eventstream's own: by the task's id, and by channels in the query.
    path("events/<path:task_id>/", events),
    path("events/", events),
    path("stock/<path:task_id>/", stock.events),
    path("stock/", stock.events),
    path("news/", views.news),
    path("page/", views.page),
    path("static/<path:path>", serve, {"insecure": True}),
]
