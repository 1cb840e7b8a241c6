"""The promise to the workstations: an event that is answered 200 is in the database once, whatever else happens."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.running import PATIENCE_S, Answer, Winlogd, a_steady_port, an_event, running
from tests.support.wire import Wire, event_of

CLIENTS = 20
EVENTS_OF_A_CLIENT = 50


def day_of(username: str) -> Iterator[dict[str, object]]:
    """Yield the events of a user who logs on and off all day, once a minute."""
    for number in range(EVENTS_OF_A_CLIENT):
        timestamp = f"2026-01-13T08:{number:02}:00Z"
        yield an_event(username=username, action="CD"[number % 2], timestamp=timestamp)


class Workstation:
    """The client of one user. It sends the events of a day, and repeats each of them until it is answered 200."""

    def __init__(self, server: Winlogd, username: str) -> None:
        self.username = username
        self.answers: list[dict[str, object]] = []
        self._server = server
        self._thread = threading.Thread(target=self._work, name=username)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert len(self.answers) == EVENTS_OF_A_CLIENT, f"{self.username} has not finished"

    def _work(self) -> None:
        for event in day_of(self.username):
            self.answers.append(until_stored(self._server, event).json)


def until_stored(server: Winlogd, event: dict[str, object]) -> Answer:
    """Send an event again and again until it is answered 200. Pause for a moment only, unlike a real client."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.02)):
        try:
            answer = server.post(event)
        except (OSError, http.client.HTTPException):
            pause.wait(0.02)
            continue
        if answer.status == 200:
            return answer
        assert answer.status == 503
        pause.wait(0.02)
    raise AssertionError(f"not stored: {event}")


def check_days(server: Winlogd, workstations: list[Workstation]) -> None:
    """Assert that each acknowledged event is stored once, with the answered id and session, and is paired correctly."""
    rows = server.rows()
    assert len(rows) == CLIENTS * EVENTS_OF_A_CLIENT
    by_id = {row["id"]: row for row in rows}
    for workstation in workstations:
        sent = list(day_of(workstation.username))
        for event, answer in zip(sent, workstation.answers, strict=True):
            row = by_id.pop(answer["event_id"])
            assert {key: row[key] for key in ("username", "action", "timestamp")}.items() <= event.items()
            assert row["session_uuid"] == answer["session_uuid"]
        identifiers = [answer["session_uuid"] for answer in workstation.answers]
        assert identifiers[0::2] == identifiers[1::2]
        assert len(set(identifiers)) == EVENTS_OF_A_CLIENT / 2
    assert not by_id


def test_what_twenty_clients_send_at_once_is_stored_once_each(server: Winlogd) -> None:
    workstations = [Workstation(server, f"user{number}") for number in range(CLIENTS)]
    for workstation in workstations:
        workstation.start()
    for workstation in workstations:
        workstation.join()
    check_days(server, workstations)


@pytest.mark.parametrize("end", [Winlogd.stop, Winlogd.kill])
def test_a_restart_in_the_middle_loses_and_doubles_nothing(end: Callable[[Winlogd], None], tmp_path: Path) -> None:
    with running(tmp_path, port=a_steady_port()) as server:
        workstations = [Workstation(server, f"user{number}") for number in range(CLIENTS)]
        for workstation in workstations:
            workstation.start()
        for share in (0.2, 0.6):
            wait_until_answered(workstations, share)
            end(server)
            server.restart()
        for workstation in workstations:
            workstation.join()
        check_days(server, workstations)


def wait_until_answered(workstations: list[Workstation], share: float) -> None:
    pause = threading.Event()
    while sum(len(w.answers) for w in workstations) < share * CLIENTS * EVENTS_OF_A_CLIENT:
        pause.wait(0.001)


def test_the_answer_tells_what_was_stored_with_its_keys_in_order(server: Winlogd) -> None:
    answer = server.post(an_event(username='DOM\\al"ice'))
    (row,) = server.rows()
    assert re.fullmatch(
        r'\{"status":"success","message":"Data stored in database","event_id":1,'
        r'"session_uuid":"DOM\\\\al\\"ice@A102-07@[0-9a-f]{6}","action":"C","username":"DOM\\\\al\\"ice"\}',
        answer.body.decode(),
    )
    assert (row["id"], row["session_uuid"]) == (answer.json["event_id"], answer.json["session_uuid"])
    assert answer.headers == {"content-type": "application/json", "content-length": str(len(answer.body))}


def test_a_row_has_all_that_is_known_of_an_event(server: Winlogd) -> None:
    server.post(an_event(action="M", hardware_info={"cpu_count": 8}))
    (row,) = server.rows()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", row.pop("server_timestamp"))
    assert row.pop("created_at")
    assert re.fullmatch(r"hardware_alice@A102-07@[0-9a-f]{6}", row.pop("session_uuid"))
    assert row == {
        "id": 1,
        "username": "alice",
        "action": "M",
        "timestamp": "2026-01-13T08:30:00.123456789+00:00",
        "hostname": "A102-07",
        "source_ip": "127.0.0.1",
        "os_name": "Windows",
        "os_version": "11 (26100)",
        "kernel_version": "26100",
        "hardware_info": '{"cpu_count":8}',
        "origin": "client",
    }


def test_one_event_alone_is_answered_though_nobody_else_comes(server: Winlogd) -> None:
    assert server.post(an_event()).status == 200


def test_the_first_event_may_come_before_the_database_is_open(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert server.post(an_event()).json["event_id"] == 1


@pytest.mark.parametrize("action", ["C", "D", "M"])
def test_an_event_that_is_sent_again_is_stored_once_and_answered_the_same(action: str, server: Winlogd) -> None:
    event = an_event(action=action)
    answers = {server.post(event).body for _ in range(3)}
    assert len(answers) == 1
    assert len(server.rows()) == 1


def test_the_same_event_twice_in_one_breath_is_stored_once(server: Winlogd) -> None:
    """One transaction gets both copies."""
    with Wire(server.port) as wire:
        wire.send(event_of(an_event()) * 8)
        assert len({wire.answer().body for _ in range(8)}) == 1
    assert len(server.rows()) == 1


def test_the_same_instant_in_another_zone_is_the_same_event(server: Winlogd) -> None:
    first = server.post(an_event(timestamp="2026-01-13T08:30:00+00:00"))
    assert server.post(an_event(timestamp="2026-01-13T09:30:00+01:00")).body == first.body


@pytest.mark.parametrize("interruption", [None, Winlogd.stop, Winlogd.kill])
def test_a_logon_that_is_sent_again_after_the_next_one_does_no_harm(
    interruption: Callable[[Winlogd], None] | None, server: Winlogd
) -> None:
    morning, noon = an_event(timestamp="2026-01-13T08:00:00Z"), an_event(timestamp="2026-01-13T12:00:00Z")
    first, second = server.post(morning), server.post(noon)
    rows = server.rows()
    if interruption is not None:
        interruption(server)
        server.start()
    assert server.post(morning).body == first.body
    assert server.rows() == rows
    logoff = server.post(an_event(action="D", timestamp="2026-01-13T17:00:00Z"))
    assert logoff.json["session_uuid"] == second.json["session_uuid"]


def test_a_logoff_after_a_retried_logon_finds_its_session(server: Winlogd) -> None:
    first = server.post(an_event())
    assert server.post(an_event()).body == first.body
    logoff = server.post(an_event(action="D", timestamp="2026-01-13T17:00:00Z"))
    assert logoff.json["session_uuid"] == first.json["session_uuid"]
    assert [row["action"] for row in server.rows()] == ["C", "D"]


@pytest.mark.parametrize("fault", ["IGNORE", "ABORT, 'mallory is kept out'"])
def test_an_event_that_cannot_be_stored_is_answered_500_and_harms_no_other(fault: str, server: Winlogd) -> None:
    server.wait_until_open()
    server.execute(
        "CREATE TRIGGER keep_out BEFORE INSERT ON events_today WHEN NEW.username = 'mallory'"
        f" BEGIN SELECT RAISE({fault}); END"
    )
    users = ["alice", "mallory", "bob"]
    with Wire(server.port) as wire:
        wire.send(b"".join(event_of(an_event(username=user)) for user in users))  # in one piece: they make one batch
        answers = [wire.answer() for _ in users]
        assert [answer.status for answer in answers] == [200, 500, 200]
        assert answers[1].body == b'{"error":"Database error"}'
        wire.send(event_of(an_event(username="carol")))
        assert wire.answer().status == 200
    assert [row["username"] for row in server.rows()] == ["alice", "bob", "carol"]
    server.wait_for_log("ERROR an event could not be stored .*(kept out|keeps rows from being stored)")


def test_the_order_of_arrival_is_the_order_of_the_rows(server: Winlogd) -> None:
    events = list(day_of("alice"))
    with Wire(server.port) as wire:
        wire.send(b"".join(map(event_of, events)))
        ids = [wire.answer().json["event_id"] for _ in events]
    assert [(row["id"], row["timestamp"]) for row in server.rows()] == list(
        zip(ids, [event["timestamp"] for event in events], strict=True)
    )
    assert ids == sorted(ids)


def test_every_session_is_listed_until_its_end(server: Winlogd) -> None:
    assert server.request("GET", "/api/v1/sessions/current").body == b"[]"
    logon = server.post(an_event()).json
    (session,) = server.request("GET", "/api/v1/sessions/current").json
    assert session == {
        "username": "alice",
        "hostname": "A102-07",
        "connected_at": "2026-01-13T08:30:00.123456789+00:00",
        "session_uuid": logon["session_uuid"],
        "source_ip": "127.0.0.1",
        "os_name": "Windows",
        "os_version": "11 (26100)",
    }
    server.post(an_event(action="D", timestamp="2026-01-13T17:00:00Z"))
    assert server.request("GET", "/api/v1/sessions/current").body == b"[]"
