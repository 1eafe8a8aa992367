"""Random lives of tasks, as a worker could make a task live."""

from __future__ import annotations

from hypothesis import HealthCheck, settings, strategies

from tests.harness.steps import (
    Step,
    custom,
    failure,
    ignored,
    log,
    pending,
    progress,
    received,
    rejected,
    retry,
    revoked,
    started,
    success,
)

__all__ = ["FIXTURES_ARE_SHARED", "lives"]

FIXTURES_ARE_SHARED = settings(
    deadline=None,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

#: A task's own state never follows itself here: twice the same is not a change of state.
INSIDE = strategies.one_of(
    strategies.builds(progress, strategies.integers(0, 100), strategies.just(100)),
    strategies.builds(log, strategies.text(min_size=1, max_size=20)),
    strategies.sampled_from([custom("PARSING"), custom("CHECKING")]),
)
ENDS = strategies.sampled_from(
    [
        success("done"),
        failure(),
        revoked(),
        rejected(),
        ignored(),
        success(),
        success([1, {"a": 2}]),
    ]
)


@strategies.composite
def lives(draw: strategies.DrawFn, *, max_attempts: int = 3, max_inside: int = 8) -> list[Step]:
    """Return the steps of a whole life, from enqueued to over."""
    steps = [pending()]
    for attempt in range(draw(strategies.integers(1, max_attempts))):
        if attempt:
            steps.append(retry())
        if draw(strategies.booleans()):
            steps.append(received())
        steps.append(started())
        for step in draw(strategies.lists(INSIDE, max_size=max_inside)):
            if step.op == "custom" and step.state == _state_before(steps):
                continue
            steps.append(step)
    return [*steps, draw(ENDS)]


def _state_before(steps: list[Step]) -> str | None:
    return next((step.state for step in reversed(steps) if step.state is not None), None)
