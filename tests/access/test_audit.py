"""The readers' log: what makes a row, what the row holds, and what happens if it cannot be written."""

import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.readers import add_reader, ask, looks, token
from tests.support.running import Winlogd, an_event, running, wait_for
from tests.system.test_life import files_end_at
from winlogd.access.scopes import RULES
from winlogd.api import hardware, machines, moment, occupancy, search, stats, stored_events
from winlogd.api.current_filter import Wanted
from winlogd.api.parameters import FILTERS, PAGE

pytestmark = pytest.mark.long  # each test talks to a server, and readers are added by processes

HISTORY = "/api/v1/sessions?user=alice"
PAST = (
    *("/api/v1/sessions?format=csv", "/api/v1/events", "/api/v1/stats", "/api/v1/machines", "/api/v1/machines/A102-07"),
    *("/api/v1/users/alice", "/api/v1/search?q=alice"),
)
"""Further requests whose answers show the past to the scope ``all``."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    with running(tmp_path_factory.mktemp("audit")) as started:
        started.wait_until_it_obeys()
        started.post(an_event())
        yield started


@pytest.mark.parametrize(
    ("scope", "path", "kind", "filters"),
    [
        ("all", "/api/v1/sessions", "sessions", ""),
        ("all", "/api/v1/sessions?user=al%20ice&room=A+1", "sessions", "user=al ice room=A 1"),
        ("all", "/api/v1/sessions?format=csv&lang=fr", "sessions", "format=csv"),
        ("all", "/api/v1/sessions?nonsense=1", "sessions", ""),
        ("all", "/api/v1/sessions?user=a&user=b", "sessions", "user=a user=b"),
        ("all", "/api/v1/events?user=alice", "events", "user=alice"),
        ("all", "/api/v1/machines/A102-07", "machine", "hostname=A102-07"),
        ("now", "/api/v1/machines/A102-07", "machine", "hostname=A102-07"),
        ("all", "/api/v1/machines?host=A102-07", "machines", "host=A102-07"),
        ("all", "/api/v1/users/M%C3%BCller", "user", "username=Müller"),
        ("now", "/api/v1/users/alice", "user", "username=alice"),
        ("all", "/api/v1/stats?by=hour", "stats", "by=hour"),
        ("all", "/api/v1/occupancy?day=today", "occupancy", "day=today"),
        ("now", "/api/v1/sessions/current?user=alice", "current", "user=alice"),
        ("now", "/api/v1/sessions/current?host=A102-07", "current", "host=A102-07"),
        ("now", "/api/v1/sessions/current?user=alice&x=1&x=2", "current", "user=alice"),
        ("now", "/api/v1/sessions/current?user=alice&x=%ff", "current", "user=alice"),
        ("now", f"/api/v1/sessions/current?x={'a' * 300}&us%65r=alice", "current", "user=alice"),
        ("now", f"/api/v1/sessions/current?user={'+' * 300}alice", "current", "user=alice"),
        ("now", "/api/v1/sessions/current?user=%ff&user=alice", "current", "user=%ff user=alice"),
        ("now", f"/api/v1/machines?room={'a' * 300}&host=A102-07", "machines", f"host=A102-07 room={'a' * 256}"),
        ("all", f"/api/v1/sessions?from={'+' * 300}today&user=alice", "sessions", "user=alice from=today"),
        ("all", "/api/v1/search?q=alice&q=bob", "search", "q=alice q=bob"),
        ("now", "/api/v1/sessions/current", None, None),
        ("now", "/api/v1/sessions/current?room=A102", None, None),
        ("wall", "/api/v1/rooms", None, None),
        ("audit", "/api/v1/readers/log", None, None),
        ("all", "/api/v1/openapi.yaml", None, None),
    ],
)
def test_a_look_at_a_person_a_machine_or_the_past_makes_a_row(
    scope: str, path: str, kind: str | None, filters: str | None, server: Winlogd, request: pytest.FixtureRequest
) -> None:
    name = f"reader {abs(hash(request.node.name))}"
    secret = add_reader(server.folder, name, "--scope", scope)
    for _ in range(2):
        ask(server, path, secret)
    row = {"reader": name, "kind": kind, "filter": filters, "address": "127.0.0.1"}
    assert looks(server.folder, "--reader", name) == ([] if kind is None else [row] * 2)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/v1/search?q=", "search"), ("/api/v1/machines?room=", "machines"), ("/api/v1/hardware?q=", "hardware")],
)
def test_the_box_and_the_overview_make_one_row_a_reader_and_minute(path: str, kind: str, server: Winlogd) -> None:
    names = [f"{kind} one", f"{kind} two"]
    secrets = [add_reader(server.folder, name, "--scope", "all") for name in names]
    for typed in ("a", "al", "ali", "alic"):
        for secret in secrets:
            ask(server, path + typed, secret)
    for name in names:
        (row,) = looks(server.folder, "--reader", name)
        assert row["kind"] == kind
        assert row["filter"].endswith("=a")
    ask(server, "/api/v1/machines?host=A102-07", secrets[0])
    assert len(looks(server.folder, "--reader", names[0])) == 2


def test_the_address_is_that_of_the_client_behind_the_proxies(server: Winlogd) -> None:
    secret = add_reader(server.folder, "proxied", "--scope", "all")
    ask(server, HISTORY, secret, X_Forwarded_For="203.0.113.5, 192.0.2.7", X_Forwarded_Proto="https")
    (row,) = looks(server.folder, "--reader", "proxied")
    assert row["address"] == "192.0.2.7"


def test_a_refused_request_is_no_look(server: Winlogd) -> None:
    secret = add_reader(server.folder, "refused", "--scope", "now")
    assert ask(server, HISTORY, secret).status == 403
    assert looks(server.folder, "--reader", "refused") == []


def test_each_sees_its_own_rows_and_audit_sees_all(server: Winlogd) -> None:
    folder = server.folder
    secrets = {name: add_reader(folder, name, "--scope", "all") for name in ("own one", "own two")}
    auditor = add_reader(folder, "auditor", "--scope", "audit")
    other = add_reader(folder, "another one", "--scope", "all")
    for secret in (other, *secrets.values()):
        ask(server, HISTORY, secret)
    for name, secret in secrets.items():
        rows = ask(server, "/api/v1/readers/log", secret).json["looks"]
        assert {row["reader"] for row in rows} == {name}
        assert ask(server, f"/api/v1/readers/log?reader={name.replace(' ', '+')}", secret).status == 200
    assert ask(server, "/api/v1/readers/log?reader=own+two", secrets["own one"]).status == 403
    rows = ask(server, "/api/v1/readers/log", auditor).json["looks"]
    assert {row["reader"] for row in rows} >= {"another one", *secrets}
    found, path = [], "/api/v1/readers/log?limit=3"
    while True:
        page = ask(server, path, auditor).json
        found += page["looks"]
        if page["next"] is None:
            break
        path = f"/api/v1/readers/log?limit=3&cursor={page['next']}"
    assert found == ask(server, "/api/v1/readers/log?limit=1000", auditor).json["looks"]
    assert ask(server, "/api/v1/readers/log?from=tomorow", auditor).status == 400
    for other in ("from=2100-01-01", "to=2020-01-01", "from=yesterday&to=yesterday"):
        assert ask(server, f"/api/v1/readers/log?{other}", auditor).json == {"looks": [], "next": None}
    assert ask(server, "/api/v1/readers/log?from=today&to=today&limit=1000", auditor).json["looks"] == found


def test_without_a_token_the_row_names_the_way(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\nread_networks = ["192.0.2.0/24"]\n') as server:
        server.wait_until_it_obeys()
        ask(server, HISTORY)
        ask(server, "/api/v1/sessions/current?user=alice", X_Forwarded_For="192.0.2.7")
        assert [(row["reader"], row["address"]) for row in looks(tmp_path)] == [
            ("network", "192.0.2.7"), ("loopback", "127.0.0.1")
        ]  # fmt: skip


@pytest.mark.parametrize(("names", "shown"), [("true", ' filter="user=alice"'), ("false", "")])
def test_a_look_is_in_the_servers_log_too(names: str, shown: str, tmp_path: Path) -> None:
    with running(tmp_path, f"[logging]\nnames = {names}\n") as server:
        server.wait_until_it_obeys()
        ask(server, HISTORY)
        server.wait_for_log(f" looked reader=loopback kind=sessions{shown} address=127.0.0.1\n")


def test_rows_are_kept_for_audit_days(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        ask(server, "/api/v1/sessions?user=old")
        ask(server, "/api/v1/sessions?user=newer")
        ask(server, "/api/v1/sessions?user=today")
        assert server.stop() == 0
    day_us = 86_400_000_000
    with closing(sqlite3.connect(access_file(server))) as connection, connection:
        for text, days in (("old", 8), ("newer", 6), ("today", 0)):
            at_us = time.time_ns() // 1000 - days * day_us
            connection.execute("UPDATE looks SET at_us = ? WHERE filter = ?", (at_us, f"user={text}"))
    with running(tmp_path, "[privacy]\naudit_days = 7\n") as server:
        server.wait_until_it_obeys()
        ask(server, "/api/v1/sessions?user=newest")
        assert [row["filter"] for row in looks(tmp_path)] == ["user=newest", "user=today", "user=newer"]


# ── faults of the file ────────────────────────────────────────────────────────────────────────────────


def access_file(server: Winlogd) -> Path:
    return server.database.with_name("winlog.access")


def reading_is_closed(server: Winlogd, error: str = "Reading is closed") -> None:
    """Assert that nobody reads, and that events are stored and /health answers."""
    answer = ask(server, HISTORY)
    assert (answer.status, answer.json["error"]) == (503, error)
    assert answer.json["details"]
    assert server.post(an_event()).status == 200
    assert server.request("GET", "/health").status == 200


def test_nothing_is_opened_until_somebody_reads(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        assert server.post(an_event()).status == 200
        assert ask(server, "/api/v1/rooms", Via="1.1 proxy").status == 403
        assert not access_file(server).exists()
        assert ask(server, "/api/v1/rooms").status == 200  # reads, and makes no row
        assert not access_file(server).exists()
        assert ask(server, HISTORY).status == 200
        assert access_file(server).stat().st_mode & 0o777 == 0o600
        assert server.stop() == 0
    assert not access_file(server).with_name("winlog.access-wal").exists()


@pytest.mark.parametrize("fault", ["noise", "a folder", "of another program"])
def test_a_file_that_cannot_be_used_closes_reading_and_not_the_collector(fault: str, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        path = access_file(server)
        if fault == "noise":
            path.write_bytes(os.urandom(10_000))
        elif fault == "a folder":
            path.mkdir()
        else:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE theirs (x)")
        reading_is_closed(server)
        assert ask(server, "/api/v1/rooms").status == 503
        assert ask(server, "/api/v1/rooms", "0" * 32).status == 503
        server.wait_for_log("ERROR the readers' file cannot be used; nobody reads cause=.*winlog.access")
        path.rmdir() if fault == "a folder" else path.unlink()
        assert ask(server, HISTORY).status == 200  # the administrator has removed it
        assert "Traceback" not in server.log


def test_a_file_that_is_deleted_under_the_server_gives_no_answer_without_a_row(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        assert ask(server, HISTORY).status == 200
        access_file(server).unlink()
        reading_is_closed(server, "The readers' log cannot be written")
        server.wait_for_log("winlog.access was replaced or deleted")
        for path in PAST:
            assert ask(server, HISTORY).status == 200  # with the next file
            access_file(server).unlink()
            answer = ask(server, path)
            assert (answer.status, b"written" in answer.body) == (503, True), path


def test_on_a_full_disk_history_is_closed_and_events_are_stored(tmp_path: Path) -> None:
    """The WAL of the readers' file is longer than that of the events, and cannot grow."""
    with running(tmp_path) as server:
        server.wait_until_settled()
        wall = add_reader(tmp_path, "wall", "--scope", "wall")
        all_ = add_reader(tmp_path, "all", "--scope", "all")
        wal = access_file(server).with_name("winlog.access-wal")
        while wal.stat().st_size < 400_000:
            assert ask(server, HISTORY, all_).status == 200
        files_end_at(server, wal.stat().st_size)
        answer = ask(server, HISTORY, all_)
        assert (answer.status, answer.json["error"]) == (503, "The readers' log cannot be written")
        server.wait_for_log("ERROR the readers' file cannot be written; the past is closed cause=.*winlog.access")
        assert "nobody reads" not in server.log
        assert server.post(an_event(username="bob")).status == 200
        assert ask(server, "/api/v1/rooms", wall).status == 200  # makes no row
        assert ask(server, "/api/v1/sessions/current?user=bob", all_).json[0]["username"] == "bob"  # is no history
        files_end_at(server, 1 << 40)
        wait_for(lambda: ask(server, HISTORY, all_).status == 200, "an answer")
        assert server.stop() == 0
        assert "Traceback" not in server.log


def test_a_fault_that_lasts_is_logged_once_a_minute(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_it_obeys()
        access_file(server).write_bytes(os.urandom(10_000))
        for _ in range(20):
            assert ask(server, HISTORY).status == 503
        assert server.stop() == 0
        assert len(re.findall("ERROR the readers' file cannot be used", server.log)) == 1


def test_a_token_is_in_no_log_address_or_error(tmp_path: Path) -> None:
    """Neither a right one nor a wrong one; at the level that logs most."""
    with running(tmp_path, '[logging]\nlevel = "trace"\n') as server:
        server.wait_until_it_obeys()
        right = add_reader(tmp_path, "right", "--scope", "now")
        old = add_reader(tmp_path, "old", "--scope", "all")
        token(tmp_path, "revoke", "old")
        answers = b""
        for secret in (right, old, "5ec2e7" * 5):
            for path in ("/api/v1/rooms", HISTORY, "/api/v1/users/alice", "/api/v1/nothing"):
                for fields in ({}, {"Via": "1.1 proxy"}, {"Host": "evil.example"}):
                    answer = ask(server, path, secret, **fields)
                    answers += answer.body + repr(answer.headers).encode()
            server.request("POST", "/api/v1/events", b"{}", {"Authorization": f"Bearer {secret}"})
        assert ask(server, f"/api/v1/rooms?token={right}").status == 403
        for path in ("sessions/current", "machines", "machines/A102-07", "users/alice", "search", "readers/log"):
            answer = ask(server, f"/api/v1/{path}?token={right}", right)
            assert answer.status == (200 if path == "sessions/current" else 400), path
            answers += answer.body
        assert ask(server, f"/api/v1/sessions/current?access_token={right}&user=zz", right).status == 200
        assert next(row["filter"] for row in looks(tmp_path)) == "user=zz"
        assert server.stop() == 0
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    for secret in (right, old, "5ec2e7" * 5):
        assert secret not in server.log
        assert secret.encode() not in answers + stored


def test_a_row_has_the_parameters_that_the_endpoint_reads() -> None:
    read = {
        "/api/v1/sessions/current": Wanted._fields,
        "/api/v1/sessions": FILTERS + PAGE,
        "/api/v1/events": stored_events.PARAMETERS + PAGE,
        "/api/v1/machines": machines.PARAMETERS,
        "/api/v1/stats": stats.PARAMETERS,
        "/api/v1/occupancy": occupancy.PARAMETERS,
        "/api/v1/search": search.PARAMETERS,
        "/api/v1/moment": moment.PARAMETERS,
        "/api/v1/hardware": hardware.PARAMETERS + PAGE,
    }
    assert read == {path: rule.parameters for path, rule in RULES.items() if rule.parameters}
    without = {path for path, rule in RULES.items() if rule.kind and not rule.parameters}
    assert without == {"/api/v1/machines/{hostname}", "/api/v1/users/{username}"}
