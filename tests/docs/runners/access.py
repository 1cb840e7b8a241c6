"""Run the three recipes of docs/access.md: a technician, a department behind nginx with TLS, a screen on the wall."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.docs.pages import ADDRESS, LOGON, Block, Runner, block, run
from tests.docs.proxies import PROXY_ADDRESS, foreground, free_port, nginx, with_tls
from tests.docs.shell import typed
from tests.support import readers
from tests.support.running import a_steady_port, an_event, running

ROOMS: Final = '[rooms]\nfrom_hostname = "{room}-*"\n'
NAME: Final = "https://winlog.example.org"
TOKEN: Final = re.compile(r"[0-9a-f]{32}")


def _tokens_of(block: Block, folder: Path) -> list[str]:
    """Run the commands of a block that adds readers. Return the tokens that it prints."""
    tokens = typed(block.text, folder).split()
    assert all(map(TOKEN.fullmatch, tokens))
    return tokens


def _header(folder: Path, name: str, token: str) -> Path:
    file = folder / name
    file.write_text(f"Authorization: Bearer {token}\n")
    return file


def _said(commands: str, changes: Mapping[str, object]) -> list[Any]:
    """Run a block of curl, and return each answer."""
    return [json.loads(answer) for answer in run(commands.replace("curl ", "curl -w '\\n' "), changes).splitlines()]


def _through(address: str, port: int) -> str:
    """Return the address of the recipe with the flags by which curl asks a server of the tests instead."""
    return f"--insecure --connect-to winlog.example.org:443:{address}:{port} {NAME}"


def _technician(add: Block, folder: Path) -> None:
    with running(folder) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        assert server.request("GET", "/api/v1/sessions").status == 200  # nothing is to be set up
        [token] = _tokens_of(add, folder)
        assert server.request("GET", "/api/v1/sessions").status == 403
        file = folder / "technician.header"
        changes = {"TOKEN": token, "technician.header": file, ADDRESS: f"127.0.0.1:{server.port}"}
        [answer] = _said(block("# the token that was printed").text, changes)
        assert [session["username"] for session in answer["sessions"]] == ["alice"]
        assert file.stat().st_mode & 0o777 == 0o600
        [look] = readers.looks(folder, "--reader", "technician")
        assert (look["kind"], look["filter"]) == ("sessions", "user=alice")
        readers.token(folder, "revoke", "technician")
        assert server.request("GET", "/api/v1/sessions", headers=readers.bearer(token)).status == 403


def _department(tls: Block, folder: Path) -> None:
    plain_port, tls_port = free_port(), free_port()
    with running(folder, block("[security]\nnames").text) as server:
        server.wait_until_it_obeys()
        server.post(LOGON)
        teacher, head, auditor = _tokens_of(block("# a teacher, a head of department"), folder)
        with foreground(nginx(folder, server.port, plain_port, more=with_tls(tls_port)), folder, plain_port):
            changes = {
                "meier.header": _header(folder, "meier.header", teacher),
                "auditor.header": _header(folder, "auditor.header", auditor),
                NAME: _through(PROXY_ADDRESS, tls_port),
            }
            [on], log = _said(block("curl -H @meier.header").text, changes)
            assert (on["username"], log["looks"]) == ("alice", [])
            _header(folder, "meier.header", head)
            past = "curl -H @meier.header https://winlog.example.org/api/v1/sessions?user=alice"
            [answer] = _said(past, {key: changes[key] for key in ("meier.header", NAME)})
            assert [session["username"] for session in answer["sessions"]] == ["alice"]
            _, log = _said(block("curl -H @meier.header").text, changes)
            assert [(look["reader"], look["filter"]) for look in log["looks"]] == [("Herr Weber", "user=alice")]
            # Over plain HTTP, and without a token, nothing: also from this machine.
            over_http = {"@meier.header https://winlog.example.org": f"@{folder}/meier.header http://{PROXY_ADDRESS}"}
            refused = run(past, {key: f"{text}:{plain_port}" for key, text in over_http.items()})
            assert json.loads(refused)["error"] == "Token over plain HTTP"
            [answer] = _said("curl https://winlog.example.org/api/v1/rooms", {NAME: changes[NAME]})
            assert answer["error"] == "Not allowed"


def _wall(add: Block, folder: Path) -> None:
    port = a_steady_port()
    settings = f'{readers.with_tls(port)}[security]\nnames = ["winlog.example.org"]\n{ROOMS}'
    with running(folder, settings) as server:
        server.wait_until_it_obeys()
        for host in ("A101-07", "B201-01"):
            server.post(an_event(hostname=host))
        [token] = _tokens_of(add, folder)
        file = _header(folder, "wall-a1.header", token)
        changes = {"wall-a1.header": file, NAME: _through("127.0.0.1", port)}
        asks = block("curl -H @wall-a1.header").text
        [answer] = _said(asks, changes)
        assert [room["name"] for room in answer["rooms"]] == ["A101"]
        assert "alice" not in str(answer)
        [answer] = _said(asks.replace("rooms", "sessions/current"), changes)
        assert answer["error"] == "Not allowed"
        readers.token(folder, "revoke", "wall-a1")
        [answer] = _said(asks, changes)
        assert answer["error"] == "Invalid token"


RUN: Final[Mapping[str, Runner]] = {
    "# a technician": _technician,
    "# beside the server of port 80": _department,
    "# a screen for the rooms": _wall,
}
