"""Find out how long a connection has made no progress, and which time limit has passed with it.

Asks the connection's parts for what `deadlines` has to know. Ends nothing itself.
"""

from typing import TYPE_CHECKING, Any

from winlogd.http.deadlines import End, end_of
from winlogd.http.delivery import Delivery
from winlogd.http.flow import Flow
from winlogd.http.pipeline import Pipeline
from winlogd.http.reading import Reading
from winlogd.http.states import Life, State

if TYPE_CHECKING:  # types only: a running server does not load them
    from winlogd.http.service import Service


class Lateness:
    """The time that one connection takes.

    Args:
        service: has the limits.
        life: the connection's state, and the time of its last progress.
        flow: tells if the peer is behind.
        pipeline: tells if requests wait for answers.
        reading: tells how far the next request has come.
    """

    __slots__ = ("_flow", "_life", "_pipeline", "_reading", "_service")

    def __init__(self, service: "Service[Any]", life: Life, flow: Flow, pipeline: Pipeline, reading: Reading) -> None:
        self._service = service
        self._life = life
        self._flow = flow
        self._pipeline = pipeline
        self._reading = reading

    def end(self, now: float, delivery: Delivery) -> End | None:
        """Return what a time limit that has passed asks for; None if none has, or if the connection is closed.

        Args:
            now: seconds on the loop's clock.
            delivery: what the peer has read. A peer that reads on makes progress.
        """
        life, pipeline = self._life, self._pipeline
        if life.state is State.CLOSED:
            return None
        is_unread = delivery.is_unread(now - life.since, bool(pipeline))
        if is_unread and delivery.has_progressed():
            life.since = now
        return end_of(
            life.state,
            life.phase,
            now - life.since,
            self._service.limits,
            is_unread=is_unread,
            handlers_are_due=any(exchange.answer is None for exchange in pipeline),
            pieces_are_due=bool(pipeline),
            is_held=self._flow.is_held,
            has_begun=self._reading.parser.has_begun,
            is_stopping=self._service.stopping,
        )
