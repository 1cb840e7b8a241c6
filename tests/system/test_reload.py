"""SIGHUP changes what a running server does, and costs no event: clients send all the time."""

import re
import signal
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.support.locks import locked
from tests.support.paths import DATA
from tests.support.reloading import hang_up, post_as, reload, under_load, write
from tests.support.running import PATIENCE_S, Winlogd, a_steady_port, an_event, running, wait_for
from tests.support.wire import Wire, event_of, health

pytestmark = pytest.mark.long

OLD, NEW = "the-token-of-the-old-year", "the-token-of-the-new-year"
CURRENT: Final = "/api/v1/sessions/current"


def token(text: str) -> str:
    return f'[security]\ningest_token = "{text}"\n'


def bearer(text: str) -> str:
    return f"Authorization: Bearer {text}"


def other_agents_are_taken(server: Winlogd) -> bool:
    return post_as(server, "curl/8") == 200


def a_long_event_is_refused(server: Winlogd) -> bool:
    return server.post(an_event(hardware_info={"text": "x" * 2000})).status == 413


def a_room_is_known(server: Winlogd) -> bool:
    server.post(an_event())
    answer = server.request("GET", f"{CURRENT}?room=Blue")
    return answer.status == 200 and len(answer.json) > 0


def another_path_takes_events(server: Winlogd) -> bool:
    answer = server.request("POST", "/index.php", b"{}", {"User-Agent": "Winlog/0.1.0"})
    return answer.status != 404


def nobody_may_read(server: Winlogd) -> bool:
    return server.request("GET", CURRENT).status == 403


def read(server: Winlogd, path: str) -> dict[str, object]:
    """Return what the read API answers to this machine, after an event: a reader sees what was answered before."""
    server.post(an_event())
    answer = server.request("GET", path)
    assert answer.status == 200
    fields: dict[str, object] = answer.json
    return fields


def several_may_work_on_a_machine(server: Winlogd) -> bool:
    server.post(an_event())
    server.post(an_event(username="bob", timestamp="2026-01-13T09:00:00Z"))
    sessions = read(server, "/api/v1/sessions?user=alice")["sessions"]
    assert isinstance(sessions, list)
    return sessions[0]["doubt"] is None


def the_period_is_understood(server: Winlogd) -> bool:
    return read(server, "/api/v1/search?q=M7")["moments"] != []


def sums_of_hours_are_shown(server: Winlogd) -> bool:
    return "profile" in read(server, "/api/v1/users/alice")


CHANGES: Final[dict[str, tuple[str, Callable[[Winlogd], bool]]]] = {
    "security": ('[security]\nexpected_user_agent = ""\n', other_agents_are_taken),
    "local reads": ("[security]\nlocal_reads = false\n", nobody_may_read),
    "limits": ("[limits]\nbody = 1024\n", a_long_event_is_refused),
    "rooms": ('[rooms]\n"Blue" = ["A102-*"]\n', a_room_is_known),
    "sessions": ('[sessions]\nmulti_user = ["A102-*"]\n', several_may_work_on_a_machine),
    "periods": ('[periods]\nM7 = "08:00-09:00"\n', the_period_is_understood),
    "privacy": ("[privacy]\nperson_profile = true\n", sums_of_hours_are_shown),
    "paths": ('[server]\nevent_paths = ["/api/v1/events", "/index.php"]\n', another_path_takes_events),
}


@pytest.mark.parametrize("section", CHANGES)
def test_a_change_counts_at_once_and_costs_no_event(section: str, server: Winlogd) -> None:
    settings, is_so = CHANGES[section]
    assert not is_so(server)
    with under_load(server):
        reload(server, settings)
        assert is_so(server)
        reload(server, "")
        assert not is_so(server)
    assert server.stop() == 0
    assert "ERROR" not in server.log


def test_ten_reloads_cost_no_event_and_end_no_connection(server: Winlogd) -> None:
    with Wire(server.port) as idle, under_load(server):
        for number in range(10):
            reload(server, f"[limits]\nbody = {2000 + number}\nqueued_events = {1000 + number}\n")
        idle.send(health())
        assert idle.answer().status == 200


# ── a request and its rules ───────────────────────────────────────────────────────────────────────────


def test_a_connection_that_stays_meets_the_new_rule_at_its_next_request(tmp_path: Path) -> None:
    """The octets of the head are the same: the parser has kept the head, and the router its handler."""
    with running(tmp_path, token(OLD)) as server, Wire(server.port) as wire:
        for _ in range(3):
            wire.send(event_of(an_event(), bearer(OLD)))
            assert wire.answer().status == 200
        assert "changed=security.ingest_token" in reload(server, token(NEW))
        wire.send(event_of(an_event(), bearer(OLD)))
        assert wire.answer().status == 403
        wire.send(event_of(an_event(), bearer(NEW)))
        assert wire.answer().status == 200
        reload(server, token(OLD))
        wire.send(event_of(an_event(), bearer(NEW)), event_of(an_event(), bearer(OLD)))
        assert [wire.answer().status, wire.answer().status] == [403, 200]


def test_a_request_that_has_not_come_in_full_meets_the_new_rule(tmp_path: Path) -> None:
    with running(tmp_path, token(OLD)) as server, Wire(server.port) as half, Wire(server.port) as whole:
        octets = event_of(an_event(), bearer(OLD))
        whole.send(octets)  # so that the server knows the head
        assert whole.answer().status == 200
        half.send(octets[:-10])
        half_is_read(server)
        reload(server, token(NEW))
        half.send(octets[-10:])
        assert half.answer().status == 403


def half_is_read(server: Winlogd) -> None:
    """Wait until the server has read what came before: it answers on a connection that came later."""
    with Wire(server.port) as later:
        later.send(health())
        assert later.answer().status == 200


def test_what_waits_for_the_database_is_stored_under_the_rule_under_which_it_came(tmp_path: Path) -> None:
    settings = "[limits]\nqueued_events = 1\n"  # the second event waits in the server, not in the store
    with running(tmp_path, settings + token(OLD)) as server, Wire(server.port) as first, Wire(server.port) as second:
        server.wait_until_open()
        with locked(server):
            for wire, user in ((first, "first"), (second, "second")):
                wire.send(event_of(an_event(username=user), bearer(OLD)))
                half_is_read(server)
            server.wait_for_log("clients that send them have to wait")
            reload(server, settings + token(NEW))
        assert [wire.answer().status for wire in (first, second)] == [200, 200]
        assert [row["username"] for row in server.rows()] == ["first", "second"]


def test_more_places_let_the_waiting_events_in(tmp_path: Path) -> None:
    with (
        running(tmp_path, "[limits]\nqueued_events = 1\n") as server,
        Wire(server.port) as first,
        Wire(server.port) as second,
    ):
        server.wait_until_open()
        with locked(server):
            first.send(event_of(an_event(username="first")))
            server.wait_for_log("clients that send them have to wait")
            second.send(event_of(an_event(username="second")))
            half_is_read(server)
            reload(server, "[limits]\nqueued_events = 100\n")
        assert [wire.answer().status for wire in (first, second)] == [200, 200]


def test_a_held_event_keeps_its_turn(tmp_path: Path) -> None:
    paced = "[limits]\nevents_per_second = 1.0\nevents_burst = 1\n[security]\ntrusted_proxies = []\n"
    with running(tmp_path, paced) as server, Wire(server.port) as wire:
        wire.send(event_of(an_event(username="first")), event_of(an_event(username="held")))
        assert wire.answer().status == 200
        half_is_read(server)
        reload(server, "")
        assert wire.answer().status == 200
        assert [server.post(an_event(username=f"free-{number}")).status for number in range(5)] == [200] * 5
        assert "changed=" in reload(server, paced.replace("1.0", "0.01"))
        assert [server.post(an_event(username=f"late-{number}")).status for number in range(2)] == [200, 429]
        hang_up(server)  # nothing has changed: the address gets no new burst
        assert server.post(an_event(username="late-2")).status == 429


def test_connections_of_an_address_are_counted_from_those_that_are_open(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\ntrusted_proxies = []\n") as server, Wire(server.port) as first:
        first.send(health())
        assert first.answer().status == 200
        bound = "[security]\ntrusted_proxies = []\n[limits]\nconnections_per_address = 2\n"
        reload(server, bound)
        with Wire(server.port) as second, Wire(server.port) as third:
            second.send(health())
            assert second.answer().status == 200
            third.send(health())
            assert third.answer().status == 503
        wait_for(lambda: server.request("GET", "/health").status == 200, "a free place", server.process)


def test_the_free_space_that_the_disk_must_have_changes(tmp_path: Path) -> None:
    server = Winlogd(tmp_path, "[limits]\nmin_free_disk = 0\n")
    del server._environ["WINLOGD_LIMITS_MIN_FREE_DISK"]  # it would override the file
    try:
        server.start()
        assert server.post(an_event()).status == 200
        with Wire(server.port) as wire:
            reload(server, "[limits]\nmin_free_disk = 1000000000\n")
            wire.send(event_of(an_event(username="waits")))
            server.wait_for_log("cannot be written for now")
            reload(server, "[limits]\nmin_free_disk = 0\n")
            assert wire.answer().status == 200
    finally:
        server.kill()


# ── the log, the rotation, TLS ────────────────────────────────────────────────────────────────────────


def test_the_level_the_names_and_the_format_of_the_log_change(server: Winlogd) -> None:
    def lines_of(user: str, pattern: str) -> int:
        server.post(an_event(username=user, hostname=f"host-of-{user}"))
        reload(server, "[logging]\nnames = true\n")  # its line comes after those of the event
        return len(re.findall(pattern, server.log))

    assert lines_of("first", "event stored .*user=first") == 1
    reload(server, '[logging]\nlevel = "warn"\n')
    assert lines_of("second", "second") == 0
    reload(server, "[logging]\nnames = false\n")
    assert lines_of("third", "event stored .*host=host-of-third") == 1
    assert "user=third" not in server.log
    write(server, '[logging]\nformat = "json"\n')
    server.process.send_signal(signal.SIGHUP)
    server.wait_for_log(r'\{.*"configuration reloaded".*"changed":"logging.format"')
    server.post(an_event(username="fourth"))
    server.wait_for_log(r'\{.*"event stored".*"user":"fourth"')


def test_neither_the_old_token_nor_the_new_one_is_in_the_log(tmp_path: Path) -> None:
    debug = '[logging]\nlevel = "debug"\n'
    with running(tmp_path, debug + token(OLD)) as server:
        reload(server, debug + token(NEW))
        for text in (OLD, NEW):
            server.request("POST", f"/{text}", b"{}", {"User-Agent": f"Winlog/0.1.0 {text}"})
            assert server.post({"username": text}, {"Authorization": f"Bearer {NEW}"}).status == 400
        assert server.stop() == 0
        assert OLD not in server.log
        assert NEW not in server.log
        assert server.log.count("***") >= 4


def test_another_time_of_the_rotation_counts_at_once(tmp_path: Path) -> None:
    hours = datetime.now(UTC).hour - 12  # with this zone it is between twelve and one
    environ = {"TZ": f"XXX{hours:+d}"}
    with running(tmp_path, '[rotation]\nat = "23:00"\n', environ) as server:
        server.wait_until_settled()
        with under_load(server):
            reload(server, '[rotation]\nat = "22:00"\n')
            assert "rotated" not in server.log  # the mark is that of yesterday, as the new time wants it
            reload(server, '[rotation]\nat = "11:00"\n')
            server.wait_for_log("INFO rotated")
        hang_up(server)
        assert server.log.count("INFO rotated") == 1
        reload(server, '[rotation]\nat = ""\n')
        reload(server, '[rotation]\nat = "23:00"\n')
        assert server.stop() == 0


def test_new_connections_get_the_renewed_certificate_and_old_ones_stay(tmp_path: Path) -> None:
    port = a_steady_port()
    install(tmp_path, "tls")
    settings = f'[server]\ntls_port = {port}\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n'
    trusted = ssl.create_default_context(cafile=str(DATA / "tls.crt"))
    with running(tmp_path, settings) as server, Wire(port) as plain:
        old = trusted.wrap_socket(plain.socket, server_hostname="localhost")
        with old, under_load(server):
            for _ in range(2):
                install(tmp_path, "tls-renewed")
                assert hang_up(server).endswith('changed=nothing certificate="read again"')
                assert certificate_at(port) == certificate("tls-renewed")
                install(tmp_path, "tls")
                hang_up(server)
                assert certificate_at(port) == certificate("tls")
            (tmp_path / "key.pem").write_text("no key")
            assert "has faults" in hang_up(server)
            assert certificate_at(port) == certificate("tls")
            old.sendall(health())
            assert old.recv(65_536).startswith(b"HTTP/1.1 200 ")


def install(folder: Path, name: str) -> None:
    """Put a certificate and its key where the configuration looks."""
    (folder / "cert.pem").write_bytes((DATA / f"{name}.crt").read_bytes())
    (folder / "key.pem").write_bytes((DATA / f"{name}.key").read_bytes())


def certificate(name: str) -> str:
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert((DATA / f"{name}.crt").read_text()))


def certificate_at(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=PATIENCE_S)
