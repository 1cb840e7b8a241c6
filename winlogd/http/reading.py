"""Read the requests of one connection, and give them to their handlers.

Knows the parser, the congestion and the finder of handlers; not the socket, which the connection and its flow keep.
"""

from typing import TYPE_CHECKING, Final, Never

from winlogd.http import responses
from winlogd.http.exchange import Exchange, Handler
from winlogd.http.flow import REQUESTS_PER_TURN, Flow
from winlogd.http.pipeline import Pipeline
from winlogd.http.router import Refusal, will_refuse
from winlogd.http.states import Life, Phase, State
from winlogd.http.wire.grammar import SAFE_METHODS
from winlogd.http.wire.message import Head, HttpError, Response
from winlogd.http.wire.parser import RequestParser

if TYPE_CHECKING:  # types only: a running server does not load them
    from winlogd.http.service import Service

_READING: Final = State.READING
_IDLE: Final = Phase.IDLE


class Reading:
    """Reads one connection, in turns.

    Args:
        service: the server.
        life: of the connection.
        flow: keeps the reasons not to handle a request.
        pipeline: gets the requests that are handled, in order.
    """

    __slots__ = ("_congestion", "_flow", "_life", "_pipeline", "_service", "parser")

    def __init__(self, service: "Service[Never]", life: Life, flow: Flow, pipeline: Pipeline) -> None:
        self._service = service
        self._congestion = service.congestion
        self._life = life
        self._flow = flow
        self._pipeline = pipeline
        self.parser = RequestParser(service.limits, service.heads)

    def read(self) -> bool:
        """Handle the requests that have come, as many as one turn allows. Return True if another turn is needed."""
        parser, flow = self.parser, self._flow
        left = REQUESTS_PER_TURN
        try:
            while self._life.state is _READING and not flow.must_pause(self._pipeline.is_full):
                if not left:
                    flow.pause()
                    return True
                left -= 1
                request = parser.next_request()
                if request is None:
                    self._await_bytes()
                    break
                self.handle(*request)
                if parser.is_empty:
                    break
        except HttpError as error:
            self.refuse_unread(responses.unreadable(error))
        return False

    def handle(self, head: Head, body: bytes) -> None:
        """Give a request to its handler, or defer it while the server is congested."""
        service, life, pipeline = self._service, self._life, self._pipeline
        life.phase = _IDLE
        life.since = service.now
        if (
            self._congestion.is_on
            and head.method not in SAFE_METHODS
            and not will_refuse(service.handler_for, head, pipeline.peer)
        ):
            self._defer(head, body)
            return
        exchange = Exchange(pipeline, head)
        pipeline.append(exchange)
        if exchange.closes:
            life.go_down_to(State.LAST_ANSWER_DUE)
        try:
            handler: Handler = head.handler or service.handler_for(head)
            handler(exchange, body)
        except Exception as error:  # a failure costs one request, not the connection
            service.failed(error)
            exchange.fail(responses.FAILED._replace(sent=body))

    def renew(self) -> None:
        """Take over the server's limits and routes, which have changed. A deferred request keeps its handler."""
        self.parser.renew(self._service.limits)

    def take_up(self, head: Head, body: bytes) -> None:
        """Handle the deferred request: the congestion is over."""
        since = self._life.since
        self.handle(head, body)
        if self._pipeline:
            self._life.since = since  # the time that it was deferred counts for its answer
        self._pipeline.release()

    def refuse_deferred(self) -> None:
        """Answer 503 to the deferred request, if there is one: it has waited too long."""
        if (request := self._congestion.forget(self)) is not None:
            self._flow.release()
            self._refuse_congested(*request)

    def forget_deferred(self) -> None:
        """Drop the deferred request, if there is one."""
        self._congestion.forget(self)

    def forget_read(self) -> None:
        """Free the octets of requests that are not handled yet."""
        self.parser = RequestParser(self._service.limits, self._service.heads)

    def refuse_unread(self, response: Response) -> None:
        """Give the last answer, to a request that was not read or cannot be read."""
        self._life.go_down_to(State.LAST_ANSWER_DUE)
        if response.head is None:
            response = response._replace(head=self.parser.begun_head)
        self._pipeline.refuse(None, response)

    def _defer(self, head: Head, body: bytes) -> None:
        """Defer one request and read no more. Later requests of the peer then fill its own buffers, not ours."""
        if self._congestion.defer(self, head, body):
            self._flow.hold()
        else:
            self._refuse_congested(head, body)

    def _refuse_congested(self, head: Head, body: bytes) -> None:
        self.refuse_unread(self._service.unanswered._replace(head=head, sent=body))

    def _await_bytes(self) -> None:
        """Note the time since which a request is incomplete. Answer a client that waits for 100 (Continue)."""
        parser, life = self.parser, self._life
        phase = Phase.BODY if parser.in_body else Phase.HEAD if parser.in_head else Phase.IDLE
        if phase is not Phase.IDLE and phase is not life.phase:
            life.phase = phase
            life.since = self._service.clock()
        if phase is Phase.BODY and (head := parser.take_continue()) is not None:
            self._continue(head)

    def _continue(self, head: Head) -> None:
        """Send 100 if the head is acceptable; otherwise answer without reading the body (RFC 9110 §10.1.1)."""
        handler = self._service.handler_for(head)
        if isinstance(handler, Refusal):
            self._life.go_down_to(State.LAST_ANSWER_DUE)
            self._pipeline.refuse(head, handler.response)
        else:
            self._pipeline.ask_for_body(head)
