"""Run nginx and Caddy in the foreground, with the recipes of docs/configure.md, for tests with a proxy."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import block, replaced
from tests.support.readers import CERTIFICATE, KEY
from tests.support.running import PATIENCE_S

PROXY_ADDRESS: Final = "127.0.10.1"
"""The proxy has a loopback address of its own. Thus a test sees if a stored address is that of the proxy."""


def nginx(
    folder: Path,
    server_port: int,
    port: int,
    http: str = "access_log off;",
    replacements: Mapping[str, object] | None = None,
    more: str = "",
) -> list[str]:
    """Write the smallest nginx.conf with the recipe in it. Return the command that runs it in the foreground.

    Args:
        folder: a folder for all files of nginx.
        server_port: the port of winlogd.
        port: the port of nginx, at `PROXY_ADDRESS`.
        http: further lines for the http block.
        replacements: the texts to replace in the recipe.
        more: further servers.
    """
    recipe = replaced(
        block("upstream winlogd").text,
        {
            "127.0.0.1:3000": f"127.0.0.1:{server_port}",
            "listen 80": f"listen {PROXY_ADDRESS}:{port}",
            **(replacements or {}),
        },
    )
    folders = "".join(
        f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\n{http}\n{folders}{recipe}\n{more}}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def with_tls(port: int) -> str:
    """Return the server of the recipe of docs/access.md, which speaks TLS on a port at `PROXY_ADDRESS`."""
    return replaced(
        block("# beside the server of port 80").text,
        {
            "listen 443": f"listen {PROXY_ADDRESS}:{port}",
            "/etc/ssl/certs/winlog.example.org.pem": CERTIFICATE,
            "/etc/ssl/private/winlog.example.org.key": KEY,
        },
    )


def caddy(folder: Path, server_port: int, port: int) -> list[str]:
    """Write the recipe, with options that keep Caddy in its folder. Return the command that runs it."""
    recipe = replaced(
        block("http://winlog.example.org {").text,
        {
            "127.0.0.1:3000": f"127.0.0.1:{server_port}",
            "http://winlog.example.org": f"http://winlog.example.org:{port}",
        },
    )
    (folder / "Caddyfile").write_text(
        f"{{\nadmin off\ndefault_bind {PROXY_ADDRESS}\nstorage file_system {folder}/caddy\n}}\n{recipe}"
    )
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def free_port() -> int:
    """Return a port that is free at `PROXY_ADDRESS`."""
    with closing(socket.socket()) as sock:
        sock.bind((PROXY_ADDRESS, 0))
        return int(sock.getsockname()[1])


@contextmanager
def foreground(command: list[str], folder: Path, port: int, tolerated: str = "nothing") -> Iterator[None]:
    """Run a proxy that listens on `port` until the end of the block. Skip the test if it is not installed.

    Raises:
        AssertionError: the proxy has complained with other words than those of `tolerated`.
    """
    program = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    environ = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    log = folder / "proxy.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([program, *command[1:]], cwd=folder, stdout=stream, stderr=stream, env=environ)
    try:
        _wait_until_it_listens(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
    complaints = re.findall(r".*(?:\[(?:warn|error|crit|emerg)\]|\"level\":\"(?:error|fatal)\").*", log.read_text())
    complaints = [line for line in complaints if tolerated not in line]
    assert not complaints, complaints


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    with socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        while sock.connect_ex((PROXY_ADDRESS, port)) != 0:
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(log.read_text())
