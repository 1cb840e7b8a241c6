"""The reasons not to read from a peer: each alone pauses the socket, which is read again when none is left."""

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import winlogd
from winlogd.http.flow import PAUSE_AT_REQUESTS, RESUME_BELOW_REQUESTS, Flow


class Socket(asyncio.Transport):
    """A transport that notes if it is read. It must be neither paused nor resumed twice in a row."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read = True

    def pause_reading(self) -> None:
        assert self.is_read
        self.is_read = False

    def resume_reading(self) -> None:
        assert not self.is_read
        self.is_read = True


class Requests:
    """Return an `IsFull` for this many requests that wait for answers."""

    def __init__(self) -> None:
        self.number = 0

    def is_full(self, limit: int) -> bool:
        return self.number >= limit


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def flow(socket: Socket) -> Flow:
    flow = Flow()
    flow.attach(socket)
    return flow


BEGIN_AND_END: list[tuple[Callable[[Flow, Requests], object], Callable[[Flow, Requests], object]]] = [
    (lambda flow, _: flow.hold(), lambda flow, _: flow.release()),
    (lambda flow, _: flow.fall_behind(), lambda flow, _: flow.catch_up()),
    (
        lambda _, requests: setattr(requests, "number", PAUSE_AT_REQUESTS),
        lambda _, requests: setattr(requests, "number", RESUME_BELOW_REQUESTS - 1),
    ),
]


@pytest.mark.parametrize(("begin", "end"), BEGIN_AND_END)
def test_each_reason_alone_stops_the_socket_until_it_ends(
    begin: Callable[[Flow, Requests], object], end: Callable[[Flow, Requests], object], flow: Flow, socket: Socket
) -> None:
    requests = Requests()
    assert not flow.must_pause(requests.is_full)
    assert socket.is_read
    begin(flow, requests)
    assert flow.must_pause(requests.is_full)
    assert not socket.is_read
    assert not flow.may_resume(requests.is_full)
    end(flow, requests)
    assert flow.may_resume(requests.is_full)
    flow.resume()
    assert socket.is_read
    assert not flow.may_resume(requests.is_full)


@pytest.mark.parametrize("last", range(3))
def test_the_socket_is_read_again_only_when_no_reason_is_left(last: int, flow: Flow) -> None:
    requests = Requests()
    for begin, _ in BEGIN_AND_END:
        begin(flow, requests)
    assert flow.must_pause(requests.is_full)
    for _, end in BEGIN_AND_END[:last] + BEGIN_AND_END[last + 1 :]:
        end(flow, requests)
        assert not flow.may_resume(requests.is_full)
    BEGIN_AND_END[last][1](flow, requests)
    assert flow.may_resume(requests.is_full)


def test_each_hold_wants_its_release(flow: Flow) -> None:
    flow.hold()
    flow.hold()
    flow.release()
    assert flow.is_held
    assert not flow.may_resume(Requests().is_full)
    flow.release()
    assert not flow.is_held
    assert flow.may_resume(Requests().is_full)


def test_a_peer_that_is_behind_is_not_held(flow: Flow) -> None:
    flow.fall_behind()
    flow.fall_behind()
    assert (flow.blocks, flow.is_held) == (1, False)
    flow.catch_up()
    flow.catch_up()
    assert flow.blocks == 0


def test_nothing_else_stops_or_starts_reading() -> None:
    callers = {
        path.name
        for path in Path(winlogd.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"pause_reading", "resume_reading"}
    }
    assert callers == {"flow.py"}
