"""Names that are not UTF-8: winlogd works in such a folder, or says without a traceback that SQLite cannot."""

import os
from pathlib import Path

import pytest

from tests.support.configured import faults_of, from_toml, verdict_of
from tests.support.running import Winlogd, an_event, run_to_end, running

STRANGE = os.fsdecode(b"caf\xe9")
"""The name of a folder from an older system with Latin-1."""

ASCII_ALONE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale that has no other letters."""


@pytest.mark.parametrize("words", [("serve",), ("check-config",), ("rotate",)])
def test_a_database_below_a_folder_that_is_no_utf8_is_told_in_one_line(words: tuple[str, ...], folder: Path) -> None:
    (folder / STRANGE).mkdir()
    (folder / STRANGE / "config.toml").write_text("")
    ended = run_to_end(folder, *words, "--config", f"{STRANGE}/config.toml")
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith('winlogd: database.path = "/')
    assert line.endswith(
        'the name "caf\\udce9" on its way is not UTF-8, and SQLite takes no other; name another folder'
    )
    assert os.listdir(folder / STRANGE) == ["config.toml"]


def test_a_link_that_leads_into_such_a_folder_is_told_as_well(folder: Path) -> None:
    (folder / STRANGE).mkdir()
    os.symlink(STRANGE, "data")
    (fault,) = faults_of(folder, "")
    assert 'the name "caf\\udce9" on its way' in fault


def test_a_file_in_such_a_folder_serves_with_a_database_elsewhere(tmp_path: Path) -> None:
    there = tmp_path / STRANGE
    there.mkdir()
    (there / "token").write_text("Zk3-correct.horse_battery")
    settings = f'[database]\npath = "{tmp_path}/winlog.db"\n[security]\ningest_token_file = "token"\n'
    with running(there, settings) as server:
        assert server.post(an_event(), {"Authorization": "Bearer Zk3-correct.horse_battery"}).status == 200
        assert server.stop() == 0


def test_a_database_may_have_any_name_in_utf8(tmp_path: Path) -> None:
    (tmp_path / "été").mkdir()
    server = Winlogd(tmp_path / "été")
    try:
        server.start()
        assert server.post(an_event()).status == 200
        assert server.stop() == 0
    finally:
        server.kill()


@pytest.mark.parametrize("words", [("serve",), ("check-config",)])
@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ('[database]\npath = "été.db"', "database.path"),
        ('[security]\ningest_token_file = "été"', "security.ingest_token_file"),
        ('[server]\ntls_port = 1\ntls_certificate = "été"\ntls_key = "config.toml"', "server.tls_certificate"),
    ],
)
def test_a_locale_that_cannot_write_a_name_is_told_in_one_line(
    settings: str, option: str, words: tuple[str, ...], folder: Path
) -> None:
    (folder / "config.toml").write_text(settings, "utf-8")
    ended = run_to_end(folder, *words, environ=ASCII_ALONE)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f'winlogd: {option} = "')
    assert line.endswith("start with LC_ALL=C.UTF-8")


def test_a_message_is_written_in_the_letters_that_the_output_has(folder: Path) -> None:
    (folder / "é").mkdir()
    (folder / "é" / "config.toml").write_text("")
    ended = run_to_end(folder, "check-config", "--config", "é/config.toml", environ={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, verdict_of(ended.stdout), ended.stderr) == (0, f"{folder}/\\xe9/config.toml: ok\n", "")


def test_a_folder_whose_name_breaks_the_line_makes_no_second_one(folder: Path) -> None:
    (folder / "a\nb").mkdir()
    (folder / "a\nb" / "config.toml").write_text("")
    ended = run_to_end(folder, "rotate", "--config", "a\nb/config.toml")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.endswith("a\\nb/data/winlog.db does not exist: nothing to rotate")


def test_a_configuration_in_such_a_folder_names_its_faults(folder: Path) -> None:
    (folder / STRANGE).mkdir()
    os.chdir(STRANGE)
    (fault,) = faults_of(folder / STRANGE, "[server]\nport = 70000\n")
    assert fault.startswith("server.port = 70000: ")
    config = from_toml(folder / STRANGE, f'[database]\npath = "{folder}/x.db"')
    assert config.source == f"{folder}/{STRANGE}/config.toml"


def test_a_certificate_in_a_folder_whose_name_breaks_the_line_makes_no_second_one(folder: Path) -> None:
    (folder / "a\nb").mkdir()
    settings = '[server]\ntls_port = 1\ntls_certificate = "absent.pem"\ntls_key = "config.toml"'
    (folder / "a\nb" / "config.toml").write_text(settings)
    ended = run_to_end(folder, "check-config", "--config", "a\nb/config.toml")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "a\\nb/absent.pem cannot be read: No such file" in line
