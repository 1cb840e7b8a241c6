"""Behind nginx: no octets make nginx and winlogd disagree on where a request ends.

Between the two stands a relay that counts winlogd's answers. Each request that nginx has logged as passed on must have
had exactly one, with the status that nginx saw; and exactly those events are stored that nginx knows of as requests.
"""

import http.client
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chaos.framings import BODIES, FRAMINGS, HEAD, LINES, filled
from tests.chaos.relay import Relay
from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx
from tests.support.running import CLIENT_HEADERS, PATIENCE_S, Winlogd, read_answer, running, wait_for
from tests.support.wire import Wire

_LOG: Final = """
log_format seen escape=json '{{"status":"$upstream_status","request":"$request"}}';
access_log {folder}/access.log seen;
# A client that has said all it has to say waits for its answers.
proxy_ignore_client_abort on;
"""
_LENIENT: Final = """
ignore_invalid_headers off;
underscores_in_headers on;
merge_slashes off;
proxy_request_buffering off;
"""
"""Passes on as much of what a client sends, and as early, as nginx can be made to."""
_MARKER: Final = re.compile(r"marker=(\w+)")


class Proxied:
    """A server behind nginx, with the relay between."""

    def __init__(self, folder: Path, server: Winlogd, relay: Relay, port: int) -> None:
        self.relay = relay
        self._server = server
        self._port = port
        self._access_log = folder / "access.log"
        self._seen: list[tuple[str, str]] = []
        self._seen_octets = 0
        self._markers = (f"m{number}" for number in itertools.count())

    def attack(self, template: bytes) -> None:
        """Sends a template's octets to nginx and waits until it has ended the connection."""
        with Wire(self._port, host=PROXY_ADDRESS) as wire, suppress(ConnectionError):
            wire.send(filled(template, next(self._markers)))
            wire.half_close()
            wire.rest()

    def is_answered_its_own(self) -> None:
        """Sends an event as an honest client does: the answer is to that event."""
        marker = next(self._markers)
        event = {"username": marker, "action": "M", "timestamp": "2026-01-13T08:30:00Z"}
        with closing(http.client.HTTPConnection(PROXY_ADDRESS, self._port, timeout=PATIENCE_S)) as connection:
            connection.request("POST", f"/api/v1/events?marker={marker}", json.dumps(event), CLIENT_HEADERS)
            answer = read_answer(connection)
        assert (answer.status, answer.json["username"]) == (200, marker)

    def agree(self) -> bool:
        """Whether nginx has passed on just what winlogd has answered."""
        return Counter(status for _, status in self._passed_on()) == Counter(self.relay.statuses())

    def stored(self) -> list[str]:
        """The markers of all stored events."""
        return sorted(row["username"] for row in self._server.rows())

    def logged(self) -> list[str]:
        """The markers of all requests that nginx knows of and that were answered 200 as events."""
        return sorted(
            match[1]
            for request, status in self._passed_on()
            if status == "200" and request.startswith("POST ") and (match := _MARKER.search(request))
        )

    def _passed_on(self) -> list[tuple[str, str]]:
        """Request line and upstream's status of what nginx has logged as answered by the upstream."""
        with self._access_log.open("rb") as log:
            log.seek(self._seen_octets)
            new = log.read()
        new = new[: new.rfind(b"\n") + 1]
        self._seen_octets += len(new)
        lines = [json.loads(line) for line in new.decode("utf-8", "replace").splitlines()]
        self._seen += [(line["request"], line["status"]) for line in lines if line["status"].isdigit()]
        return self._seen


@pytest.fixture(scope="module", params=["", _LENIENT], ids=["recipe", "lenient"])
def proxied(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """A server behind nginx, set up as README.md says, and as far from that as nginx goes."""
    folder = tmp_path_factory.mktemp("smuggling")
    with running(folder) as server:
        relay = Relay(server.port)
        port = free_port()
        http = _LOG.format(folder=folder) + request.param
        command = nginx(folder, relay.port, port, http, {"access_log off;": ""})
        try:
            with foreground(command, folder, port, tolerated=" client "):
                yield Proxied(folder, server, relay, port)
        finally:
            relay.close()


def test_both_see_the_same_requests_however_they_are_framed(proxied: Proxied) -> None:
    for framing in FRAMINGS:
        proxied.attack(framing)
        proxied.is_answered_its_own()
        wait_for(proxied.agree, f"nginx and winlogd to agree on {framing!r}")
        assert proxied.stored() == proxied.logged(), framing
    assert proxied.relay.connections < len(FRAMINGS), "nginx has kept no connection for the next request"
    honest = len(FRAMINGS)
    assert len(proxied.stored()) > honest + 10, "nginx has passed on hardly any of them"
    assert {"200", "400"} <= set(proxied.relay.statuses()), "winlogd had nothing to refuse"


_ENDS: Final = st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"))
_MIXES: Final = st.tuples(
    st.lists(st.tuples(st.sampled_from(LINES), _ENDS), max_size=4),
    st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")),
    st.lists(st.sampled_from(BODIES), max_size=5),
)


@settings(max_examples=50, deadline=None)
@given(mix=_MIXES)
def test_both_see_the_same_requests_in_any_mix(
    proxied: Proxied, mix: tuple[list[tuple[bytes, bytes]], bytes, list[bytes]]
) -> None:
    lines, blank, bodies = mix
    octets = HEAD + b"".join(line + end for line, end in lines) + blank + b"".join(bodies)
    proxied.attack(octets)
    proxied.is_answered_its_own()
    wait_for(proxied.agree, f"nginx and winlogd to agree on {octets!r}")
    # A mix may hold the same event twice, of which the second is one that is sent again.
    assert proxied.stored() == sorted(set(proxied.logged())), octets
