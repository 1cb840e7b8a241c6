"""What README.md names is there: options, variables, links, columns, and the defaults that it gives."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.readme import LOGON, TEXT
from tests.support.paths import ROOT
from tests.support.running import Winlogd
from winlogd.config.sections import KINDS, Config, environment_name


def test_the_first_screen_has_the_picture_and_the_two_commands() -> None:
    screen = "\n".join(TEXT.splitlines()[:42])
    assert "docs/overview.svg" in screen
    assert "pip install . && .venv/bin/winlogd\n" in screen
    assert "pip install -e '.[test]' && .venv/bin/pytest\n" in screen


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_option_that_is_named_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    options = re.findall(rf"\b({'|'.join(KINDS)})\.([a-z_]+)\b(?! ?\()", re.sub(r"\]\(.*?\)|https?://\S+", "", text))
    options = [(section, key) for section, key in options if key not in ("com", "org", "toml")]
    assert [f"{section}.{key}" for section, key in options if key not in KINDS[section]] == []


def test_every_variable_that_is_named_exists() -> None:
    known = {environment_name(section, key) for section, keys in KINDS.items() for key in keys}
    refused = {"WINLOGD_PORT"}  # the text says so; see below
    assert set(re.findall(r"\bWINLOGD_[A-Z_]+", TEXT)) - refused <= known


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text()
    headings = {heading.lower().replace(",", "").replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https://"):
            assert (ROOT / target).is_file()


def test_a_variable_that_is_no_option_is_refused_as_the_text_says(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, "", {"WINLOGD_PORT": "tcp://10.0.0.1:3000"})
    assert checked.returncode == 2
    assert "WINLOGD_PORT: unknown variable" in checked.stderr


def test_mistakes_stop_the_start_with_status_2_and_a_line_each(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, '[server]\nport = 70000\nhots = "::"\n', {})
    assert checked.returncode == 2
    assert len(checked.stderr.splitlines()) == 2


def test_a_clients_time_out_is_above_the_servers() -> None:
    [timeout] = re.findall(r"`WINLOG_TIMEOUT` \| `(\d+)`", TEXT)
    assert float(timeout) > Config().server.event_timeout


def test_the_defaults_in_the_text_are_the_programs() -> None:
    config = Config()
    assert f"listens on {config.server.host}, port {config.server.port}," in TEXT
    assert f"database in `{config.database.path}`" in TEXT
    assert f'`"{config.database.pragma_synchronous}"`, the default' in TEXT
    assert f"`WINLOG_USER_AGENT` | `{config.security.expected_user_agent}`" in TEXT


def test_the_columns_and_views_that_are_named_exist(server: Winlogd) -> None:
    server.post(LOGON)
    server.wait_for_log("event stored")
    promised = re.findall(r"^\| `(events_\w+|open_sessions|sessions)` \|", TEXT, re.MULTILINE)
    assert sorted(promised) == ["events_all", "events_history", "events_today", "open_sessions", "sessions"]
    for name in promised:
        assert server.rows(f"SELECT count(*) AS rows FROM {name}")[0]["rows"] == (name != "events_history")


def _check_config(folder: Path, text: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    file = folder / "config.toml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "winlogd", "check-config", "--config", str(file)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip
