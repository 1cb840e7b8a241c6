"""Who may send and who may read, by token and by address. The token is never shown."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import ROOT
from tests.support.running import CLIENT_HEADERS, Winlogd, an_event, run_to_end, running
from tests.support.wire import EVENTS, Wire, event_of, request
from winlogd.access.addresses import is_loopback
from winlogd.config.kinds import SHORTEST_TOKEN_CHARACTERS
from winlogd.log.form import LEVELS
from winlogd.log.json_lines import _JSON_OWN_KEYS
from winlogd.store.reporting import _CLOSED_FIELDS, _FIELDS, _FIELDS_WITHOUT_NAMES

pytestmark = pytest.mark.long  # each test has a server

TOKEN: Final = "Zk3-correct/horse_battery"
SESSIONS: Final = "/api/v1/sessions/current"
STRANGER: Final = "127.0.0.2"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Run a server that asks for a token and logs from `debug` on."""
    settings = f'[security]\ningest_token = "{TOKEN}"\n[logging]\nlevel = "debug"\n'
    with running(tmp_path_factory.mktemp("guarded"), settings) as server:
        yield server


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": f"bearer  {TOKEN}"},
        {"User-Agent": f"Winlog/0.1.0 {TOKEN}"},
        {"User-Agent": f"Winlog/0.1.0 {TOKEN}", "Authorization": "Bearer other"},
    ],
)
def test_an_event_with_the_token_is_taken(headers: dict[str, str], guarded: Winlogd) -> None:
    assert guarded.post(an_event(), headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer"},
        {"User-Agent": f"Winlog/0.1.0{TOKEN}"},
        {"User-Agent": f"Winlog/0.1.0 {TOKEN} more"},
        {"User-Agent": "Winlog/0.1.0 \xe9"},
    ],
)
def test_an_event_without_it_is_refused(headers: dict[str, str], guarded: Winlogd) -> None:
    answer = guarded.post(an_event(), headers)
    assert (answer.status, answer.body) == (403, b'{"error":"Invalid token"}')


def test_the_user_agent_is_looked_at_first_and_reading_needs_no_token(guarded: Winlogd) -> None:
    answer = guarded.post(an_event(), {"User-Agent": "curl/8", "Authorization": f"Bearer {TOKEN}"})
    assert answer.body == b'{"error":"Invalid User-Agent"}'
    assert guarded.request("GET", SESSIONS).status == 200


def test_the_token_is_in_no_log(tmp_path: Path) -> None:
    """Not even its beginning, at the place where the log cuts a long body."""
    settings = f'[security]\ningest_token = "{TOKEN}"\n[logging]\nlevel = "trace"\n'
    token = {"Authorization": f"Bearer {TOKEN}"}
    with running(tmp_path, settings) as server:
        assert server.post(an_event(username=TOKEN), token).status == 200
        for before in range(150, 200, 7):
            escaped = TOKEN.replace("/", r"\/")  # as PHP writes JSON
            body = b"x" * before + (TOKEN if before % 2 else escaped).encode()
            assert server.request("POST", EVENTS, body, CLIENT_HEADERS | token).status == 400
        assert server.stop() == 0
        assert server.log.count(" sent=") == 8
        assert TOKEN not in server.log
        assert TOKEN[:3] not in server.log


def test_the_token_may_stand_in_a_file_or_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"\n {TOKEN} \n")
    for settings, environ in (
        ('[security]\ningest_token_file = "token"\n', {}),
        ("", {"WINLOGD_SECURITY_INGEST_TOKEN": TOKEN}),
    ):
        with running(tmp_path, settings, environ) as server:
            assert server.post(an_event()).status == 403
            assert server.post(an_event(), {"Authorization": f"Bearer {TOKEN}"}).status == 200


@pytest.mark.parametrize(
    ("settings", "held", "fault"),
    [
        ('ingest_token_file = "token"', None, "cannot be read: No such file"),
        ('ingest_token_file = "token"', " \n", "holds no token"),
        ('ingest_token_file = "token"', "Zk3 two halves of it", "what it holds is not 16 to 256 letters"),
        ('ingest_token_file = "token"', "Zk3-123456789ab", "what it holds is not 16 to 256 letters"),
        (f'ingest_token_file = "token"\ningest_token = "{TOKEN}"', TOKEN, "set one of the two"),
        ('ingest_token = "Zk3 two halves of it"', None, "security.ingest_token = (not shown): must be 16 to 256"),
        ('ingest_token = "Zk3-123456789ab"', None, "security.ingest_token = (not shown): must be 16 to 256 letters"),
        (f'ingest_token = "{"Zk3-" * 65}"', None, "security.ingest_token = (not shown): must be 16 to 256 letters"),
    ],
)
def test_a_token_that_is_none_stops_the_start_and_is_not_shown(
    settings: str, held: str | None, fault: str, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text(f"[security]\n{settings}\n")
    if held is not None:
        (tmp_path / "token").write_text(held)
    ended = run_to_end(tmp_path, "check-config")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert fault in ended.stderr
    assert "Zk3" not in ended.stderr + ended.stdout


def test_the_shortest_token_is_taken(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[security]\ningest_token = "Zk3-123456789abc"\n')
    assert run_to_end(tmp_path, "check-config").returncode == 0


def test_no_word_of_the_logs_own_is_as_long_as_a_token() -> None:
    """The log masks the token wherever it stands. A token that is the name of a field would garble the line."""
    ways = {*LEVELS, "exception"}
    words = {*LEVELS, "traceback", *_JSON_OWN_KEYS, *_FIELDS, *_FIELDS_WITHOUT_NAMES, *_CLOSED_FIELDS}
    for path in (ROOT / "winlogd").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ways:
                words.update(keyword.arg for keyword in call.keywords if keyword.arg is not None)
                words.update(str(target.value) for target in call.args[:1] if isinstance(target, ast.Constant))
    assert {"address", "queued_events", "server"} < words
    assert max(map(len, words)) < SHORTEST_TOKEN_CHARACTERS


# ── by address ────────────────────────────────────────────────────────────────────────────────────────


def status_of(server: Winlogd, octets: bytes, source: str = "127.0.0.1") -> int:
    """Return 200 or 403. A refusal has the words for one who sends, or for one who reads."""
    with Wire(server.port, source=source) as wire:
        wire.send(octets)
        answer = wire.answer()
        if answer.status != 200 and octets.startswith(b"GET "):
            assert (answer.json["error"], list(answer.json)) == ("Not allowed", ["error", "details"])
        elif answer.status != 200:
            assert answer.body == b'{"error":"Address not allowed"}'
        return answer.status


def test_sending_and_reading_are_admitted_each_by_its_own_networks(tmp_path: Path) -> None:
    settings = f'[security]\ningest_networks = ["{STRANGER}"]\nread_networks = ["10.0.0.5"]\nlocal_reads = false\n'
    with running(tmp_path, settings) as server:
        for source, sends in (("127.0.0.1", 403), (STRANGER, 200)):
            for _ in range(2):  # the same head comes from both peers
                assert status_of(server, event_of(an_event()), source) == sends
                assert status_of(server, request("GET", SESSIONS), source) == 403
                assert status_of(server, request("GET", "/health"), source) == 200
        forwarded = "X-Forwarded-For: 10.0.0.5"
        assert status_of(server, event_of(an_event(), forwarded)) == 403
        assert status_of(server, request("GET", SESSIONS, forwarded)) == 200


FORWARDED: Final = ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "Via: 1.1 proxy", "Forwarded: for=_a",
                    "X-Real-IP: 127.0.0.1", "CF-Ray: 1")  # fmt: skip


def test_by_default_this_machine_reads_and_nobody_else(shared_server: Winlogd) -> None:
    """A request that a proxy has forwarded comes from somebody else, whatever address it names."""
    for source in ("127.0.0.1", STRANGER):
        assert status_of(shared_server, request("GET", SESSIONS), source) == 200
        for field in FORWARDED:
            assert status_of(shared_server, request("GET", SESSIONS, field), source) == 403


def test_without_local_reads_this_machine_does_not_read(tmp_path: Path) -> None:
    with running(tmp_path, "[security]\nlocal_reads = false\n") as server:
        assert status_of(server, request("GET", SESSIONS)) == 403
        assert status_of(server, event_of(an_event())) == 200


@pytest.mark.parametrize(
    ("peer", "is_it"),
    [("127.0.0.1", True), ("127.255.255.254", True), ("::1", True), ("128.0.0.1", False), ("::2", False)],
)
def test_every_address_of_the_loopback_is_this_machine(peer: str, is_it: bool) -> None:
    assert is_loopback(peer) is is_it


@pytest.mark.parametrize(
    ("forwarded", "status"),
    [
        ((), 403),
        (("10.0.0.5",), 200),
        (("10.0.0.5, 192.0.2.1",), 403),
        (("192.0.2.1, 10.0.0.5",), 200),
        (("192.0.2.1, 10.0.0.5, 127.0.0.1",), 200),
        (("192.0.2.1", "10.0.0.5"), 200),
        (("10.0.0.5", "192.0.2.1"), 403),
        (("127.0.0.1",), 403),
        (("10.0.0.5, unknown",), 403),
        (("10.0.0.5,",), 403),
        (("10.0.0.5:51234",), 200),
        (("192.0.2.1:443, 10.0.0.5:51234, 127.0.0.1:80",), 200),
        (("[::ffff:10.0.0.5]:51234",), 200),
        (("10.0.0.5, 192.0.2.1:51234",), 403),
        (("10.0.0.5:65536",), 403),
        (("10.0.0.5:",), 403),
    ],
)
def test_behind_a_trusted_proxy_the_last_address_that_is_not_a_proxys_counts(
    forwarded: tuple[str, ...], status: int, behind_proxy: Winlogd
) -> None:
    fields = [f"X-Forwarded-For: {each}" for each in forwarded]
    assert status_of(behind_proxy, request("GET", SESSIONS, *fields, "CF-Connecting-IP: 10.0.0.5")) == status


def test_an_event_is_taken_from_a_proxy_that_writes_the_clients_port(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\ningest_networks = ["192.0.2.0/24", "2001:db8::/32"]\n') as server:
        for address, stored in (("192.0.2.7:51234", "192.0.2.7"), ("[2001:db8::7]:443", "2001:db8::7")):
            assert status_of(server, event_of(an_event(username=stored), f"X-Forwarded-For: {address}")) == 200
            (row,) = server.rows("SELECT source_ip FROM events_today WHERE username = ?", stored)
            assert row["source_ip"] == stored


def test_nobody_elses_word_about_an_address_counts(behind_proxy: Winlogd) -> None:
    assert status_of(behind_proxy, request("GET", SESSIONS, "X-Forwarded-For: 10.0.0.5"), STRANGER) == 403


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    """Run a server that only 10.0.0.0/8 may read."""
    with running(tmp_path_factory.mktemp("proxied"), '[security]\nread_networks = ["10.0.0.0/8"]\n') as server:
        yield server


def test_what_is_off_costs_nothing() -> None:
    """The endpoint is the very same, and modules that only networks, tokens or TLS need are not loaded."""
    program = """
import sys, uvloop, orjson, apsw
before = set(sys.modules)
import winlogd.daemon.process
from winlogd.config.load import load
from winlogd.access.gate import Gate
from winlogd.access.addresses import TrustedProxies
security = load("config.toml", {}).security
proxies = TrustedProxies(security.trusted_proxies)
assert Gate(security.ingest_networks, proxies).before(print) is print
print(*set(sys.modules) - before)
"""
    environ = {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, check=True)
    loaded = set(run.stdout.decode().split())
    assert "winlogd.config.load" in loaded
    assert not {name for name in loaded if "access_file" in name or "guard" in name or "readers_log" in name}
    assert loaded & {"ipaddress", "hmac", "winlogd.http.tls", "winlogd.config.dependent"} == set()
    assert loaded & {"winlogd.events.repair", "winlogd.events.timestamp_faults"} == set()
