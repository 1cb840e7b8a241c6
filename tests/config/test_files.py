"""The files that a configuration names: winlogd reads only a regular file, and never waits for one."""

import os
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.configured import faults_of
from tests.support.running import run_to_end
from winlogd.config.load import ConfigError, load

FILE = "any"
TOKEN_FILE = f'[security]\ningest_token_file = "{FILE}"\n'
CERTIFICATE = f'[server]\ntls_port = 1\ntls_certificate = "{FILE}"\ntls_key = "config.toml"\n'
KEY = f'[server]\ntls_port = 1\ntls_certificate = "config.toml"\ntls_key = "{FILE}"\n'


def a_pipe() -> str:
    os.mkfifo(FILE)
    return "it is a pipe; name a file"


def a_device() -> str:
    os.symlink("/dev/zero", FILE)
    return "it is a device; name a file"


def a_socket() -> str:
    with closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.bind(FILE)
    return "it is a socket; name a file"


def a_folder() -> str:
    os.mkdir(FILE)
    return "cannot be read: Is a directory"


def a_huge_file() -> str:
    with open(FILE, "wb") as stream:
        stream.truncate(1 << 40)  # uses no space on the disk: it is one hole
    return "it has more than "


MADE = [a_pipe, a_device, a_socket, a_folder, a_huge_file]


@pytest.mark.parametrize("make", MADE)
@pytest.mark.parametrize(
    ("settings", "option"),
    [
        (TOKEN_FILE, "security.ingest_token_file"),
        (CERTIFICATE, "server.tls_certificate"),
        (KEY, "server.tls_key"),
    ],
)
def test_what_is_no_regular_file_is_told_and_not_read(
    folder: Path, settings: str, option: str, make: Callable[[], str]
) -> None:
    reason = make()
    (fault,) = faults_of(folder, settings)
    assert fault.startswith(f'{option} = "/')
    assert reason in fault


@pytest.mark.parametrize("make", MADE)
def test_a_configuration_that_is_no_regular_file_is_told_and_not_read(folder: Path, make: Callable[[], str]) -> None:
    reason = make()
    with pytest.raises(ConfigError) as caught:
        load(FILE, {})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{FILE}: ")
    assert reason in fault


@pytest.mark.parametrize("words", [(), ("check-config",)])
def test_a_pipe_as_token_file_does_not_hang_the_start(folder: Path, words: tuple[str, ...]) -> None:
    os.mkfifo(FILE)
    (folder / "config.toml").write_text(TOKEN_FILE)
    ended = run_to_end(folder, *words)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.endswith("is no token: it is a pipe; name a file")


def test_a_file_of_the_kernel_whose_size_is_told_as_0_is_read(folder: Path) -> None:
    os.symlink("/proc/self/cmdline", "config.toml")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(None, {})


def test_a_token_may_have_ascii_white_space_around_it_and_no_other(folder: Path) -> None:
    (folder / FILE).write_bytes(b"\xef\xbb\xbf\r\n Zk3-correct.horse_battery\t\r\n")
    (folder / "config.toml").write_text(TOKEN_FILE)
    assert load(None, {}).security.ingest_token == "Zk3-correct.horse_battery"
    (folder / FILE).write_bytes(b"Zk3-correct.horse_battery\x1f")
    (fault,) = faults_of(folder, TOKEN_FILE)
    assert "what it holds is not 16 to 256 letters" in fault
