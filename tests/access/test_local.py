"""Who may read without a token: each line of what SPEC says of it, with real peers, proxies and browsers' fields."""

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx
from tests.support.running import PATIENCE_S, Answer, Winlogd, read_answer, running
from tests.support.wire import Wire
from winlogd.access.addresses import TrustedProxies
from winlogd.access.local import LocalReads, host_of
from winlogd.http.wire.message import Head

pytestmark = pytest.mark.long  # each test has a server

CURRENT: Final = "/api/v1/sessions/current"
PATHS: Final = (
    *("/api/v1/sessions", "/api/v1/events", "/api/v1/machines", "/api/v1/machines/PC-1", "/api/v1/users/alice"),
    *("/api/v1/rooms", "/api/v1/stats", "/api/v1/search?q=a", "/api/v1/openapi.yaml"),
)
"""What `read_networks` does not open."""
AT: Final = "http://127.0.0.1 or http://localhost"
TOKEN_WAY: Final = "; or send a token of winlogd token add, or log in at /login"
HOST_FAULT: Final = "use this server's IP address, or add the name to security.names"


def ask(server: Winlogd, *fields: str, path: str = CURRENT, version: str = "1.1") -> Answer:
    """Send a GET with exactly these fields."""
    with Wire(server.port) as wire:
        wire.send("\r\n".join([f"GET {path} HTTP/{version}", *fields, "", ""]).encode())
        return wire.answer()


def refused(answer: Answer, error: str, details: str) -> None:
    way = TOKEN_WAY if error == "Not allowed" else ""
    assert (answer.status, answer.json) == (403, {"error": error, "details": details + way})


# ── from this machine ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "localhost.", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:80"]
)
def test_this_machine_reads_everything(host: str, shared_server: Winlogd) -> None:
    for path in (CURRENT, *PATHS):
        assert ask(shared_server, f"Host: {host}", path=path).status in (200, 404)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "localhost.evil.example", "127.1", "0x7f.1", "1", ""]
)
def test_a_foreign_name_reads_nothing(host: str, shared_server: Winlogd) -> None:
    """A page of another site can let its own name lead to this machine (DNS rebinding)."""
    for path in (CURRENT, *PATHS):
        refused(ask(shared_server, f"Host: {host}", path=path), "Host not allowed", HOST_FAULT)
    assert ask(shared_server, f"Host: {host}", path="/health").status == 200


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]:3000", "0.0.0.0", os.uname().nodename])
def test_another_address_or_name_of_this_machine_is_not_local(host: str, shared_server: Winlogd) -> None:
    for path in PATHS:
        refused(ask(shared_server, f"Host: {host}", path=path), "Not allowed", f"read at {AT}")


def test_http_1_0_is_not_local(shared_server: Winlogd) -> None:
    """Many proxies speak it to the servers behind them."""
    refused(ask(shared_server, "Host: localhost", version="1.0"), "Not allowed", "read by HTTP/1.1")
    refused(ask(shared_server, version="1.0"), "Host not allowed", HOST_FAULT)


FORWARDING: Final = (
    *("Via: 1.1 proxy", "Forwarded: for=192.0.2.1", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost"),
    *("X-Forwarded-Proto: https", "x-forwarded-anything: 1", "X-Real-IP: 127.0.0.1", "CF-Connecting-IP: ::1",),
)  # fmt: skip


@pytest.mark.parametrize("field", FORWARDING)
def test_what_a_proxy_has_forwarded_is_not_local(field: str, shared_server: Winlogd) -> None:
    way = f"a proxy has forwarded this request: read on the server itself without it, at {AT}"
    for path in (CURRENT, *PATHS):
        refused(ask(shared_server, "Host: localhost", field, path=path), "Not allowed", way)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_reads_nothing_but_a_link_works(site: str, shared_server: Winlogd) -> None:
    for mode in ("no-cors", "cors", "websocket"):
        answer = ask(shared_server, "Host: localhost", f"Sec-Fetch-Site: {site}", f"Sec-Fetch-Mode: {mode}")
        refused(answer, "Request of another site", "open this address in the browser itself")
    assert ask(shared_server, "Host: localhost", f"Sec-Fetch-Site: {site}").status == 403
    assert ask(shared_server, "Host: localhost", f"Sec-Fetch-Site: {site}", "Sec-Fetch-Mode: navigate").status == 200
    for own in ("same-origin", "none"):
        assert ask(shared_server, "Host: localhost", f"Sec-Fetch-Site: {own}").status == 200


# ── as it is configured ───────────────────────────────────────────────────────────────────────────────


def test_without_local_reads_nobody_reads_and_the_answer_says_so(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\nlocal_reads = false\nread_networks = ["127.0.0.0/8", "::1"]\n') as server:
        way = f"set security.local_reads = true, and read on the server itself, at {AT}"
        for path in (CURRENT, *PATHS):  # the addresses of the loopback have no effect in read_networks
            refused(ask(server, "Host: localhost", path=path), "Not allowed", way)
        assert ask(server, "Host: localhost", path="/health").status == 200


def test_names_replace_those_of_this_machine(tmp_path: Path) -> None:
    settings = '[security]\nnames = ["Winlog.Example.org."]\nread_networks = ["192.0.2.1"]\n'
    with running(tmp_path, settings) as server:
        proxied = "X-Forwarded-For: 192.0.2.1"
        for host in ("winlog.example.org", "WINLOG.example.org.:3000", "localhost", "192.0.2.7"):
            assert ask(server, f"Host: {host}", proxied).status == 200
        for host in (os.uname().nodename, "example.org"):
            refused(ask(server, f"Host: {host}", proxied), "Host not allowed", HOST_FAULT)


def test_by_default_the_names_are_those_of_this_machine(tmp_path: Path) -> None:
    with running(tmp_path, '[security]\nread_networks = ["192.0.2.1"]\n') as server:
        name = os.uname().nodename
        for host in ("localhost", name.upper(), name.partition(".")[0]):
            assert ask(server, f"Host: {host}", "X-Forwarded-For: 192.0.2.1").status == 200


# ── the text of Host ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "host"),
    [
        ("a", "a"),
        ("A.b.:3000", "a.b"),
        ("[2001:DB8::1]:3000", "2001:db8::1"),
        ("[::1]", "::1"),
        ("127.0.0.1:", "127.0.0.1"),
        (":3000", ""),
        ("::1", ""),
    ],
)
def test_host_is_read_without_its_port(field: str, host: str) -> None:
    head = Head("GET", "/", "", 1, (("host", field),), None, keep_alive=True, expects_continue=False)
    assert host_of(head) == host


def test_a_head_that_two_peers_send_is_decided_for_each() -> None:
    reads = LocalReads(("192.0.2.0/24",), TrustedProxies(()), (), reads_locally=True)
    head = Head("GET", "/", "", 1, (("host", "localhost"),), None, keep_alive=True, expects_continue=False)
    for _ in range(2):
        decided = {
            peer: (reads.is_local(head, peer), reads.is_open_to(head, peer))
            for peer in ("127.0.0.1", "192.0.2.1", "198.51.100.1")
        }
        assert decided == {
            "127.0.0.1": (True, False), "192.0.2.1": (False, True), "198.51.100.1": (False, False),
        }  # fmt: skip


# ── from another machine ──────────────────────────────────────────────────────────────────────────────

OURS: Final = "192.0.2.129"
THEIRS: Final = ("192.0.2.130", "192.0.2.131")
_MISSING: Final = [
    name for name in ("ip", "unshare", "nsenter") if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None
]
_ASK: Final = """
import http.client, json, sys
answers = []
for source, host, path in json.loads(sys.argv[2]):
    connection = http.client.HTTPConnection("192.0.2.129", int(sys.argv[1]), timeout=30, source_address=(source, 0))
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    answers.append([answer.status, json.loads(answer.read())])
print(json.dumps(answers))
"""


@contextmanager
def another_machine() -> Iterator[list[str]]:
    """Make a network namespace with two addresses, joined to this machine by a cable. Yield the words to run in it."""
    if _MISSING:
        pytest.skip(f"not installed: {', '.join(_MISSING)}")
    holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"], stderr=subprocess.PIPE)
    name = f"wl{os.getpid() % 1_000_000}"
    inside = ["nsenter", "-t", str(holder.pid), "-n"]
    commands = [
        ["ip", "link", "add", name, "type", "veth", "peer", "name", "there", "netns", str(holder.pid)],
        ["ip", "address", "add", f"{OURS}/25", "dev", name],
        ["ip", "link", "set", name, "up"],
        *([*inside, "ip", "address", "add", f"{each}/25", "dev", "there"] for each in THEIRS),
        [*inside, "ip", "link", "set", "there", "up"],
    ]
    try:
        ours = os.readlink("/proc/self/ns/net")
        while holder.poll() is None and os.readlink(f"/proc/{holder.pid}/ns/net") == ours:
            time.sleep(0.005)
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"no network namespace here: {done.stderr.strip() or 'unshare failed'}")
        yield inside
    finally:
        holder.kill()  # the namespace goes with it, and the cable with the namespace
        holder.communicate()


def test_another_machine_reads_what_is_open_to_it_and_nothing_else(tmp_path: Path) -> None:
    """Both addresses send the same heads."""
    friend, stranger = THEIRS
    settings = f'[server]\nhost = "0.0.0.0"\n[security]\nread_networks = ["{friend}"]\n'
    with another_machine() as inside, running(tmp_path, settings) as server:
        closed = [403, {"error": "Not allowed", "details": f"read on the server itself, at {AT}{TOKEN_WAY}"}]
        way = f"read on the server itself, at {AT}; or add {stranger} to security.read_networks{TOKEN_WAY}"
        expected: dict[tuple[str, str, str], object] = {
            (friend, OURS, CURRENT): [200, []],
            (friend, OURS, f"{CURRENT}?user=a"): [200, []],
            (stranger, OURS, CURRENT): [403, {"error": "Not allowed", "details": way}],
            (friend, "evil.example", CURRENT): [403, {"error": "Host not allowed", "details": HOST_FAULT}],
            **{(friend, OURS, path): closed for path in PATHS},
            **{(source, "localhost", PATHS[0]): closed for source in THEIRS},
        }
        words = [*inside, "python3", "-c", _ASK, str(server.port), json.dumps(list(expected))]
        said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout
        assert dict(zip(expected, json.loads(said), strict=True)) == expected
        assert ask(server, "Host: 127.0.0.1", path=PATHS[0]).status == 200


# ── behind nginx ──────────────────────────────────────────────────────────────────────────────────────


def bare(folder: Path, server_port: int, port: int, *lines: str) -> list[str]:
    """Write an nginx.conf with a bare `proxy_pass`, and further lines. Return the command that runs it."""
    folders = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    server = (
        f"listen {PROXY_ADDRESS}:{port}; location / {{ proxy_pass http://127.0.0.1:{server_port}; {' '.join(lines)} }}"
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{ access_log off;\n{folders}server {{ {server} }} }}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def through(port: int, path: str = CURRENT, host: str = "winlog.example.org") -> Answer:
    """Ask a proxy."""
    with closing(http.client.HTTPConnection(PROXY_ADDRESS, port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", path, headers={"Host": host})
        return read_answer(connection)


KEEPALIVE: Final = ("proxy_http_version 1.1;", 'proxy_set_header Connection "";')


def test_a_bare_nginx_is_known_by_its_http_1_0(tmp_path: Path) -> None:
    port = free_port()
    with (
        running(tmp_path) as server,
        foreground(bare(tmp_path, server.port, port, "proxy_http_version 1.0;"), tmp_path, port),
    ):
        for path in (CURRENT, *PATHS):
            refused(through(port, path), "Not allowed", "read by HTTP/1.1")


def test_a_bare_nginx_with_http_1_1_looks_like_this_machine(tmp_path: Path) -> None:
    """Nothing tells such a proxy from a local program. Therefore the page has a recipe that adds headers."""
    port = free_port()
    with running(tmp_path) as server, foreground(bare(tmp_path, server.port, port, *KEEPALIVE), tmp_path, port):
        assert through(port).status == 200


def test_with_local_reads_off_a_bare_nginx_lets_nobody_read(tmp_path: Path) -> None:
    port = free_port()
    with (
        running(tmp_path, "[security]\nlocal_reads = false\n") as server,
        foreground(bare(tmp_path, server.port, port, *KEEPALIVE), tmp_path, port),
    ):
        for path in (CURRENT, *PATHS):
            assert through(port, path).status == 403
        assert through(port, "/health").status == 200


def test_behind_the_recipe_the_clients_address_decides(tmp_path: Path) -> None:
    """The client is on the loopback here, which no `read_networks` opens."""
    port = free_port()
    settings = '[security]\nnames = ["winlog.example.org"]\nread_networks = ["127.0.0.0/8"]\n'
    with running(tmp_path, settings) as server, foreground(nginx(tmp_path, server.port, port), tmp_path, port):
        for path in (CURRENT, *PATHS):
            answer = through(port, path)
            assert (answer.status, answer.json["error"]) == (403, "Not allowed")
        assert through(port, "/health").status == 200
