"""Who reads what: each scope, each path, each way in which a request can come, over plain HTTP and TLS: every cell.

The table is written by hand from the specification. It is not made from the rules of the server.
"""

import http.client
import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.access.place import ELSEWHERE, ENDPOINTS, OPEN_NETWORK, Place
from tests.support.readers import CERTIFICATE, add_reader, ask_with_tls, bearer, token, with_tls
from tests.support.running import PATIENCE_S, Answer, Winlogd, a_steady_port, an_event, running
from winlogd.access.scopes import PAGES, RULES
from winlogd.api import routes

pytestmark = pytest.mark.long  # thousands of requests, half of them over TLS

TABLE: Final = """
                            | wall  metrics  now  all  audit | network | nobody
/health                     |  x       x      x    x     x   |    x    |   x
/ready                      |  x       x      x    x     x   |    x    |   x
/metrics                    |  -       x      -    x     -   |    -    |   -
/api/v1/openapi.yaml        |  x       x      x    x     x   |    -    |   -
/api/v1/me                  |  x       x      x    x     x   |    -    |   -
/api/v1/readers/log         |  x       x      x    x     x   |    -    |   -
/api/v1/rooms               |  x       -      x    x     -   |    -    |   -
/api/v1/snapshot            |  x       -      x    x     -   |    -    |   -
/api/v1/sessions/current    |  -       -      x    x     -   |    x    |   -
/api/v1/machines            |  -       -      x    x     -   |    -    |   -
/api/v1/machines/{hostname} |  -       -      x    x     -   |    -    |   -
/api/v1/users/{username}    |  -       -      x    x     -   |    -    |   -
/api/v1/search              |  -       -      x    x     -   |    -    |   -
/api/v1/sessions            |  -       -      -    x     -   |    -    |   -
/api/v1/events              |  -       -      -    x     -   |    -    |   -
/api/v1/stats               |  -       -      -    x     -   |    -    |   -
/api/v1/occupancy           |  -       -      -    x     -   |    -    |   -
/api/v1/hardware            |  -       -      -    x     -   |    -    |   -
/api/v1/moment              |  -       -      -    x     -   |    -    |   -
"""
"""What each scope reads, what `security.read_networks` read without a token, and what everybody reads."""

PAGES_TABLE: Final = """
                            | wall  metrics  now  all  audit | network | nobody
/                           |  -       -      x    x     -   |    -    |   -
/account                    |  x       x      x    x     x   |    -    |   -
/readers-log                |  x       x      x    x     x   |    -    |   -
/wall                       |  x       -      x    x     -   |    -    |   -
/machine/{hostname}         |  -       -      x    x     -   |    -    |   -
/user/{username}            |  -       -      x    x     -   |    -    |   -
/timeline                   |  -       -      -    x     -   |    -    |   -
/ghosts                     |  -       -      x    x     -   |    -    |   -
/hardware                   |  -       -      -    x     -   |    -    |   -
/trends                     |  -       -      -    x     -   |    -    |   -
"""
"""Which page each scope may open. A page has no data: it asks for them as the reader."""


def cells(table: str) -> Mapping[tuple[str, str], bool]:
    """Return the cells of a table, by path and column."""
    titles, *rows = table.replace("|", " ").strip().splitlines()
    found = {(path, column): cell == "x" for path, *row in map(str.split, rows)
             for column, cell in zip(titles.split(), row, strict=True)}  # fmt: skip
    assert len(found) == len(rows) * len(titles.split())
    return found


CELLS: Final = cells(TABLE)
PAGE_CELLS: Final = cells(PAGES_TABLE)
LIVE: Final = "/api/v1/live"
"""The feed, which has no end. `tests/api` follows it for each scope."""
READERS: Final = {
    **{scope: scope for scope in ("wall", "metrics", "now", "all", "audit")},
    **dict.fromkeys(("revoked", "expired", "unknown"), "nobody"),
}
"""The readers of the place. A token that is not valid reads what everybody reads."""


class Way(NamedTuple):
    """A way in which a request can come.

    Attributes:
        name: its name.
        fields: returns the header fields of a request of a reader.
        column: returns the column of the table for a reader.
    """

    name: str
    fields: Callable[[Place, str], dict[str, str]]
    column: Callable[[str], str]


HTTPS: Final = {"X-Forwarded-Proto": "https"}

WAYS: Final = (
    Way("Bearer", lambda place, reader: bearer(place.tokens[reader]), READERS.__getitem__),
    Way("Bearer and an open network", lambda place, reader: bearer(place.tokens[reader]) | OPEN_NETWORK | HTTPS,
        READERS.__getitem__),
    Way("loopback", lambda place, reader: {}, lambda reader: "nobody"),
    Way("network", lambda place, reader: OPEN_NETWORK, lambda reader: "network"),
    Way("none", lambda place, reader: ELSEWHERE, lambda reader: "nobody"),
)  # fmt: skip
"""All ways. In a place where a reader was added, loopback is nobody."""


def check(answer: Answer, may_read: bool, cell: object) -> None:
    assert answer.status == (200 if may_read else 403), (cell, answer.body)
    if not may_read:
        assert answer.json["error"] in ("Not allowed", "Invalid token", "Token over plain HTTP"), cell


def check_guess(answer: Answer, may_read: bool, cell: object) -> None:
    """Check the answer to a token that nobody ever had. After five in a minute it is 429 in the place of 403."""
    if answer.status == 429:
        assert (may_read, answer.json["error"]) == (False, "Too many wrong tokens"), cell
    else:
        check(answer, may_read, cell)


def test_the_table_has_every_path_of_the_server() -> None:
    open_to_all = {routes.HEALTH, routes.READY}
    served = {*open_to_all, routes.METRICS, routes.CURRENT, routes.OPENAPI, *routes.QUESTIONS, *routes.FOLLOWING}
    assert served == ENDPOINTS.keys() | {LIVE}
    assert RULES.keys() == ENDPOINTS.keys() - open_to_all | {LIVE}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_cell_of_the_table(way: Way, path: str, place: Place) -> None:
    target = ENDPOINTS[path]
    for reader in READERS:
        fields, may_read = way.fields(place, reader), CELLS[path, way.column(reader)]
        checked = check_guess if reader == "unknown" else check
        checked(place.server.request("GET", target, headers=fields), may_read, (reader, "plain HTTP"))
        checked(ask_with_tls(place.tls_port, target, fields), may_read, (reader, "TLS"))


def test_the_table_of_pages_has_every_page_of_the_server() -> None:
    assert {path for path, _ in PAGE_CELLS} == {*routes.PAGES, routes.ACCOUNT} == PAGES.keys()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_cell_of_the_table_of_pages(way: Way, path: str, place: Place) -> None:
    target = path.replace("{hostname}", "A102-07").replace("{username}", "alice")
    for reader in READERS:
        fields, may_read = way.fields(place, reader), PAGE_CELLS[path, way.column(reader)]
        checked = check_guess if reader == "unknown" else check
        checked(place.server.request("GET", target, headers=fields), may_read, (reader, "plain HTTP"))
        checked(ask_with_tls(place.tls_port, target, fields), may_read, (reader, "TLS"))


def test_everybody_loads_the_files_of_the_pages_by_the_servers_own_names(place: Place) -> None:
    for fields in ({}, ELSEWHERE, {"Host": "localhost"}, {"Sec-Fetch-Site": "same-origin"}):
        assert place.server.request("GET", "/web/main.js", headers=fields).status == 200
        assert ask_with_tls(place.tls_port, "/web/main.js", fields).status == 200
    other_site = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for fields, error in (({"Host": "evil.example"}, "Host not allowed"), (other_site, "Request of another site")):
        for name in ("main.js", "nothing.js"):
            for answer in (
                place.server.request("GET", f"/web/{name}", headers=fields),
                ask_with_tls(place.tls_port, f"/web/{name}", fields),
            ):
                assert (answer.status, answer.json["error"]) == (403, error)


def test_the_table_lets_nobody_read_more_without_a_token_than_with_all() -> None:
    for path in ENDPOINTS:
        assert CELLS[path, "nobody"] <= CELLS[path, "network"] <= CELLS[path, "all"]
        assert CELLS[path, "wall"] <= CELLS[path, "now"] <= CELLS[path, "all"]


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server to which no reader was ever added."""
    port = a_steady_port()
    with running(tmp_path_factory.mktemp("untouched"), with_tls(port)) as server:
        server.wait_until_it_obeys()
        server.post(an_event())
        yield Place(server, port, {})


@pytest.mark.parametrize("path", ENDPOINTS)
def test_this_machine_reads_as_all_until_a_reader_was_added(path: str, untouched: Place) -> None:
    target = ENDPOINTS[path]
    everybody = CELLS[path, "nobody"]
    check(untouched.server.request("GET", target), CELLS[path, "all"], "loopback")
    check(ask_with_tls(untouched.tls_port, target, {}), CELLS[path, "all"], "loopback and TLS")
    for fields, checked in (({"Via": "1.1 proxy"}, check), (ELSEWHERE, check), (bearer("0" * 32), check_guess)):
        checked(untouched.server.request("GET", target, headers=fields), everybody, fields)
        checked(ask_with_tls(untouched.tls_port, target, fields), everybody, fields)


# ── while connected ───────────────────────────────────────────────────────────────────────────────────

AHEAD: Final = """
import sys, time
real, file = time.time_ns, sys.argv.pop(1)
time.time_ns = lambda: real() + int(open(file).read())
from winlogd.cli import main
sys.exit(main())
"""
"""winlogd, with a clock that is ahead by the nanoseconds in a file."""
DAY_NS: Final = 86_400 * 10**9


class Clocked(NamedTuple):
    """A server, and the file that says how much its clock is ahead."""

    server: Winlogd
    tls_port: int
    file: Path

    def be_ahead(self, ahead_ns: int) -> None:
        """Set the clock. The file is replaced at once: the server reads it at any time."""
        fresh = self.file.with_name("fresh")
        fresh.write_text(str(ahead_ns))
        os.replace(fresh, self.file)


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[Clocked]:
    port = a_steady_port()
    server = Winlogd(tmp_path, with_tls(port))
    made = Clocked(server, port, tmp_path / "ahead")
    made.be_ahead(0)
    server.command = (sys.executable, "-c", AHEAD, str(made.file), "--config", "config.toml")
    try:
        server.start()
        server.wait_until_it_obeys()
        yield made
    finally:
        server.kill()


@pytest.mark.parametrize("is_encrypted", [False, True])
@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_a_token_that_ends_while_connected_gets_403_at_the_next_request(
    end: str, is_encrypted: bool, clocked: Clocked
) -> None:
    """The head is the same each time, so the server has it in its cache."""
    folder, statuses = clocked.server.folder, []
    soon = (datetime.now() + timedelta(hours=1)).isoformat(timespec="minutes")
    headers = bearer(add_reader(folder, "for a while", "--scope", "all", "--expires", soon))
    add_reader(folder, "another one", "--scope", "all")
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.check_hostname = False
    connection = (
        http.client.HTTPSConnection("127.0.0.1", clocked.tls_port, timeout=PATIENCE_S, context=context)
        if is_encrypted
        else http.client.HTTPConnection("127.0.0.1", clocked.server.port, timeout=PATIENCE_S)
    )
    with closing(connection):
        for number in range(4):
            if number == 2:
                socket = connection.sock
                token(folder, "revoke", "for a while") if end == "revoked" else clocked.be_ahead(DAY_NS)
            connection.request("GET", "/api/v1/sessions", headers=headers)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
        assert connection.sock is socket
    assert statuses == [200, 200, 403, 403]
