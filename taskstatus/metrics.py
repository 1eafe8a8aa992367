"""Metrics for Prometheus, of this process: ``pip install django-taskstatus[metrics]``. ::

    from taskstatus.metrics import metrics

    urlpatterns += [path("metrics", metrics)]

or, in a worker, Prometheus's own ``start_http_server()``: importing this module registers the
numbers with its default registry. Who may read ``/metrics`` is for the project to say.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from taskstatus.counts import COUNTS, TRANSPORTS
from taskstatus.publisher import outbox_depth

__all__ = ["TaskStatusCollector", "metrics"]


class TaskStatusCollector(Collector):
    """Shows the counts as they are when it is asked; counting costs nothing more."""

    def collect(self) -> Iterator[Metric]:
        """Yield each metric."""
        opened = GaugeMetricFamily(
            "taskstatus_connections", "Streams that are open.", labels=["transport"]
        )
        for transport in TRANSPORTS:
            opened.add_metric([transport], COUNTS.open[transport])
        yield opened
        for name, text, count in (
            ("messages_sent", "Messages handed to a client's connection.", COUNTS.sent),
            ("resumes", "Clients that came with a cursor.", COUNTS.resumed),
            ("resets", "Cursors that could not be resumed from.", COUNTS.reset),
            ("slow_readers", "Clients let go because they read too slowly.", COUNTS.slow),
            ("publish_failures", "Changes not stored at the first try.", COUNTS.unpublished),
            ("healed", "Readers that reconciling found behind.", COUNTS.healed),
        ):
            yield CounterMetricFamily(f"taskstatus_{name}", text, value=count)
        yield GaugeMetricFamily(
            "taskstatus_outbox_changes",
            "Changes that wait for the store.",
            value=outbox_depth(),
        )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer all metrics of this process, the project's own in the default registry among them."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


REGISTRY.register(TaskStatusCollector())
