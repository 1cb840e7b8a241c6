"""The server's end of the control socket: orders, answers, who may give orders, and the socket's limits."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.control.speaking import Client, Desk, serving
from tests.support.running import PATIENCE_S, wait_for
from winlogd.control.server import LIMITS, Limits, Order

NOBODY: Final = 65534
ORDERS: Final = "the orders are count, wait, break"
AN_ORDER: Final = 'an order is one line of JSON such as {"order":"count"}'

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can connect as another user: run the tests as root"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving(tmp_path / "socket") as desk:
        yield desk


def is_served(path: Path) -> bool:
    with Client(path) as client:
        with suppress(BrokenPipeError):  # the server has refused it already
            client.give("count")
        return "progress" in client.line()


# ── orders and answers ────────────────────────────────────────────────────────────────────────────────


def test_an_order_is_answered_by_progress_and_then_by_done(desk: Desk) -> None:
    with Client(desk.path) as client:
        client.give("count", of=7)
        assert client.lines() == [
            {"progress": {"counted": 1, "of": 7}},
            {"progress": {"counted": 2, "of": 7}},
            {"done": {"counted": 2}},
        ]


def test_progress_comes_while_the_order_runs(desk: Desk) -> None:
    with Client(desk.path) as client:
        client.give("wait")
        order = desk.waiting.get(timeout=PATIENCE_S)
        for rows in (1, 2):
            desk.do(lambda rows=rows: order.progress(rows=rows))  # type: ignore[misc]  # mypy does not infer the default
            assert client.line() == {"progress": {"rows": rows}}
        desk.do(lambda: order.failed("the disk \udcff is full"))
        assert client.lines() == [{"error": "the disk \\udcff is full"}]


def test_an_order_may_come_in_pieces_and_what_comes_after_it_is_not_read(desk: Desk) -> None:
    with Client(desk.path) as client:
        for octet in b'{"order":"wait"}\n':
            client.send(bytes([octet]))
        order = desk.waiting.get(timeout=PATIENCE_S)
        client.send(b'{"order":"count"}\n')
        desk.do(order.done)
        assert client.lines() == [{"done": {}}]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b'{"order":"rotat"}\n', f"'rotat' is no order; {ORDERS}"),
        (b'{"order":["count"]}\n', f"['count'] is no order; {ORDERS}"),
        (b'{"order":"\\u001b[2J"}\n', f"'\\x1b[2J' is no order; {ORDERS}"),
        (b"count\n", AN_ORDER),
        (b"\n", AN_ORDER),
        (b"\xff\n", AN_ORDER),
        (b"[]\n", AN_ORDER),
        (b"{}\n", AN_ORDER),
        (b"[" * 1000 + b"\n", AN_ORDER),
    ],
)
def test_what_is_no_order_is_told_so_with_the_orders_that_there_are(desk: Desk, sent: bytes, sentence: str) -> None:
    with Client(desk.path) as client:
        client.send(sent)
        assert client.lines() == [{"error": sentence}]
    assert is_served(desk.path)


def test_a_fault_of_a_handler_costs_its_order_and_is_told_to_the_log(desk: Desk) -> None:
    with Client(desk.path) as client:
        client.give("break", by="a test")
        assert client.lines() == [
            {"error": "the order failed for a fault in winlogd itself; its log has the traceback"}
        ]
    fault = desk.faults.get(timeout=PATIENCE_S)
    assert fault["message"] == "the order break failed for a fault in winlogd itself"
    assert str(fault["exception"]) == "broken by {'by': 'a test'}"
    assert is_served(desk.path)


# ── who may give orders ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def effective_user(user: int) -> Iterator[None]:
    me = os.geteuid()
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(me)


@needs_root
def test_another_user_is_refused_though_the_mode_would_let_him_in(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.path.parent)
    desk.path.parent.chmod(0o755)
    desk.path.chmod(0o666)
    clients: list[Client] = []

    def connect() -> None:
        with effective_user(NOBODY):
            clients.append(Client(desk.path.name))

    desk.do(connect)  # on the server's thread: it is root again when it compares the users
    with clients[0] as client:
        sentence = f"only root and the user that winlogd runs as may give orders, not user {NOBODY}"
        assert client.lines() == [{"error": sentence}]
    assert is_served(desk.path)


@needs_root
def test_the_mode_of_the_socket_keeps_another_user_out_already(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.path.parent)
    desk.path.parent.chmod(0o755)
    with effective_user(NOBODY), pytest.raises(PermissionError):
        Client(desk.path.name)


@needs_root
def test_root_and_its_own_user_are_served_by_a_server_of_another_user(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk.path.parent)
    desk.path.parent.chmod(0o755)
    desk.path.chmod(0o666)
    clients: list[Client] = []

    def connect() -> None:
        clients.append(Client(desk.path.name))
        os.seteuid(NOBODY)  # the server is this process
        clients.append(Client(desk.path.name))

    try:
        desk.do(connect)
        for client in clients:
            with client:
                client.give("count")
                assert client.lines()[-1] == {"done": {"counted": 2}}
    finally:
        os.seteuid(0)


# ── bounds ────────────────────────────────────────────────────────────────────────────────────────────


def test_eight_commands_talk_at_once_and_the_ninth_is_told_to_come_later(desk: Desk) -> None:
    clients = [Client(desk.path) for _ in range(8)]
    for client in clients:
        client.give("wait")
    orders = [desk.waiting.get(timeout=PATIENCE_S) for _ in clients]
    for _ in range(3):
        with Client(desk.path) as ninth:
            assert ninth.lines() == [{"error": "8 commands are talking to winlogd already; try again later"}]

    desk.do(orders[0].done)
    assert clients[0].lines() == [{"done": {}}]
    assert is_served(desk.path)

    for order in orders[1:]:
        desk.do(order.done)
    assert [client.lines() for client in clients[1:]] == [[{"done": {}}]] * 7
    for client in clients:
        client.close()


def test_who_gives_no_order_in_time_is_told_so_and_closed(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", LIMITS._replace(order_timeout_s=0.1)) as desk:
        with Client(desk.path) as silent, Client(desk.path) as slow:
            slow.send(b'{"order":')
            assert silent.lines() == slow.lines() == [{"error": "no order came within 0.1 s"}]
        assert is_served(desk.path)


def test_an_order_that_has_come_may_run_for_longer_than_one_is_waited_for(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", LIMITS._replace(order_timeout_s=0.1)) as desk, Client(desk.path) as client:
        client.give("wait")
        order = desk.waiting.get(timeout=PATIENCE_S)
        with Client(desk.path) as silent:  # it came later, and its time is over
            assert silent.lines() == [{"error": "no order came within 0.1 s"}]
        desk.do(order.done)
        assert client.lines() == [{"done": {}}]


def test_ten_seconds_and_eight_connections_and_a_kilobyte_are_what_the_server_uses() -> None:
    assert LIMITS == (8, 10.0, 1024)


@pytest.mark.parametrize("end", [b"\n", b"", b"x" * 100_000])
def test_a_longer_line_than_1024_octets_is_refused(desk: Desk, end: bytes) -> None:
    padded = json.dumps({"order": "count", "pad": ""}).encode()
    longest = padded[:-2] + b"x" * (1024 - len(padded)) + padded[-2:]
    with Client(desk.path) as client:
        client.send(longest + b"\n")
        assert client.lines()[-1] == {"done": {"counted": 2}}
    with Client(desk.path) as client:
        client.send(b" " + longest + end)
        assert client.line() == {"error": "an order has at most 1024 bytes"}


# ── clients that go away or do not read ───────────────────────────────────────────────────────────────


def test_the_order_of_a_client_that_goes_away_goes_on_and_its_place_is_free(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", LIMITS._replace(connections=1)) as desk:
        with Client(desk.path) as client:
            client.give("wait")
            order = desk.waiting.get(timeout=PATIENCE_S)
            assert not is_served(desk.path)
        wait_for(lambda: is_served(desk.path), "the place to be free")
        desk.do(lambda: order.progress(rows=1))
        desk.do(lambda: order.done(rows=1))
        assert is_served(desk.path)
        assert desk.faults.empty()


def test_a_client_that_has_only_ended_its_own_side_gets_its_answer(desk: Desk) -> None:
    with Client(desk.path) as client:
        client.give("wait")
        client.socket.shutdown(socket.SHUT_WR)
        order = desk.waiting.get(timeout=PATIENCE_S)
        assert is_served(desk.path)  # meanwhile the loop went round several times
        desk.do(lambda: order.progress(rows=1))
        desk.do(order.done)
        assert client.lines() == [{"progress": {"rows": 1}}, {"done": {}}]


def test_a_client_that_goes_away_before_its_order_costs_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "socket", LIMITS._replace(connections=1)) as desk:
        for sent in (b"", b'{"order":'):
            with Client(desk.path) as client:
                client.send(sent)
            wait_for(lambda: is_served(desk.path), "the place to be free")
        assert desk.faults.empty()


def test_a_client_that_does_not_read_loses_progress_but_never_done_and_holds_up_nobody(desk: Desk) -> None:
    reports = 50_000
    with Client(desk.path) as client:
        client.give("wait")
        order = desk.waiting.get(timeout=PATIENCE_S)
        for some in range(0, reports, 100):

            def report(some: int = some) -> None:
                for row in range(some, some + 100):
                    order.progress(row=row, of=reports)

            desk.do(report)
        desk.do(lambda: order.done(rows=reports))
        assert is_served(desk.path)

        *progress, last = client.lines()
        assert last == {"done": {"rows": reports}}
        rows = [each["progress"]["row"] for each in progress]
        assert rows == sorted(rows)
        assert 0 < len(rows) < reports / 2


def test_an_order_without_a_line_feed_ends_with_what_the_client_sends(desk: Desk) -> None:
    with Client(desk.path) as client:
        client.send(b'{"order":"count"}')
        client.socket.shutdown(socket.SHUT_WR)
        assert client.lines()[-1] == {"done": {"counted": 2}}


def test_a_client_that_does_not_read_its_last_line_loses_its_place_after_a_while(tmp_path: Path) -> None:
    def talk(order: Order) -> None:
        order.done(text="x" * 1_000_000)

    limits = Limits(connections=1, order_timeout_s=0.2)
    with serving(tmp_path / "socket", limits, talk=talk) as desk, Client(desk.path) as silent:
        silent.give("talk")
        wait_for(lambda: is_served(desk.path), "the only place to be free again")
