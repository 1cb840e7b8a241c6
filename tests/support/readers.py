"""Readers of a running server: their tokens, and what they ask."""

import http.client
import json
import re
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.support.paths import DATA
from tests.support.running import PATIENCE_S, Answer, Winlogd, read_answer, run_to_end

CERTIFICATE: Final = DATA / "tls.crt"
KEY: Final = DATA / "tls.key"


def with_tls(port: int) -> str:
    """Return the section of a configuration with TLS."""
    return f'[server]\ntls_port = {port}\ntls_certificate = "{CERTIFICATE}"\ntls_key = "{KEY}"\n'


def token(folder: Path, *words: str) -> str:
    """Run ``winlogd token`` in a folder with a config.toml, and return what it prints."""
    ended = run_to_end(folder, "token", *words, "--config", "config.toml")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def add_reader(folder: Path, name: str, *flags: str) -> str:
    """Add a reader, and return its token."""
    return token(folder, "add", name, *flags).strip()


def bearer(token: str) -> dict[str, str]:
    """Return the header field with a token."""
    return {"Authorization": f"Bearer {token}"}


def ask(server: Winlogd, path: str, token: str | None = None, **fields: str) -> Answer:
    """Send a GET over plain HTTP from this machine; `_` in the name of a field stands for `-`."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return server.request("GET", path, headers=headers if token is None else headers | bearer(token))


def ask_with_tls(port: int, path: str, headers: dict[str, str]) -> Answer:
    """Send a GET over TLS."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    context.check_hostname = False
    with closing(http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE_S, context=context)) as connection:
        connection.request("GET", path, headers=headers)
        return read_answer(connection)


def looks(folder: Path, *flags: str) -> list[dict[str, Any]]:
    """Return the rows of the readers' log, newest first, without their times."""
    rows = [json.loads(line) for line in token(folder, "log", "--json", *flags).splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", row.pop("at")) for row in rows)
    return rows
