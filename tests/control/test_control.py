"""The control socket of a running server: its owner, its refusals and its place."""

import os
import socket
import stat
from pathlib import Path

import pytest

from tests.control.speaking import Client
from tests.support.running import PATIENCE_S, Winlogd, run_to_end, running

NOBODY = 65534


def test_the_control_socket_is_the_owners_alone_and_goes_with_the_server(server: Winlogd) -> None:
    path = server.database.with_name("winlog.db.control")

    assert stat.S_ISSOCK(path.stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize("sent", [b"nonsense\n", b"\n", b"\xff\n", b'{"order":"nonsense"}\n', b"rotate\n"])
def test_another_command_is_refused_and_the_server_goes_on(server: Winlogd, sent: bytes) -> None:
    server.wait_until_it_obeys()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(server.database.with_name("winlog.db.control")))
        sock.sendall(sent)
        assert sock.recv(1000).startswith(b'{"error":"')
        assert sock.recv(1000) == b""
    assert server.request("GET", "/health").status == 200


def test_a_line_without_end_is_cut_off(server: Winlogd) -> None:
    server.wait_until_it_obeys()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(server.database.with_name("winlog.db.control")))
        sock.sendall(b"x" * 5000)
        assert sock.recv(1000) == b'{"error":"an order has at most 1024 bytes"}\n'
        assert sock.recv(1000) == b""


def test_a_control_socket_that_a_crash_left_behind_is_replaced(server: Winlogd) -> None:
    server.wait_until_open()
    server.kill()
    assert run_to_end(server.folder, "rotate", "--config", "config.toml").returncode == 0
    server.restart()
    server.wait_until_it_obeys()

    assert "0 rows moved" in run_to_end(server.folder, "rotate", "--config", "config.toml").stdout


def test_a_folder_with_a_very_long_name_has_a_control_socket_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    with running(folder) as server:
        server.wait_until_it_obeys()
        assert "0 rows moved" in run_to_end(folder, "rotate", "--config", "config.toml").stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="missing: another user, which only root can become")
def test_the_server_refuses_another_user_though_the_mode_would_let_him_in(
    server: Winlogd, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.wait_until_it_obeys()
    socket_file = server.database.with_name("winlog.db.control")
    monkeypatch.chdir(server.database.parent)
    server.database.parent.chmod(0o755)
    socket_file.chmod(0o666)
    os.seteuid(NOBODY)
    try:
        client = Client(socket_file.name)
    finally:
        os.seteuid(0)
    with client:
        sentence = f"only root and the user that winlogd runs as may give orders, not user {NOBODY}"
        assert client.lines() == [{"error": sentence}]
    assert server.rotate().startswith("ok 0 rows moved")
