"""nginx and Caddy as docs/configure.md sets them up, run in the foreground by whoever wants a proxy before a server."""

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
from tests.support.running import PATIENCE_S

PROXY_ADDRESS: Final = "127.0.10.1"
"""Each proxy has a loopback address of its own, so that it shows whose address is stored."""


def nginx(
    folder: Path,
    server_port: int,
    port: int,
    http: str = "access_log off;",
    replacements: Mapping[str, object] | None = None,
) -> list[str]:
    """The recipe as a part of the smallest nginx.conf, and the command that runs it in the foreground.

    Args:
        folder: for all files of nginx.
        server_port: where winlogd listens.
        port: where nginx is to listen, at `PROXY_ADDRESS`.
        http: what else the http block holds.
        replacements: what is to be changed in the recipe.
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
        f"events {{}}\nhttp {{\n{http}\n{folders}{recipe}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, server_port: int, port: int) -> list[str]:
    """The recipe below options that keep Caddy to its folder, and the command that runs it in the foreground."""
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
    """A port that is free at `PROXY_ADDRESS`."""
    with closing(socket.socket()) as sock:
        sock.bind((PROXY_ADDRESS, 0))
        return int(sock.getsockname()[1])


@contextmanager
def foreground(command: list[str], folder: Path, port: int, tolerated: str = "nothing") -> Iterator[None]:
    """Runs a proxy that listens on `port`, and ends it. Skips when it is not installed.

    Raises:
        AssertionError: it has complained, other than with the words of `tolerated`.
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
