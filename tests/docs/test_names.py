"""Everything that the pages name exists: options, variables, columns, modules and flags, messages, defaults."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import EVERYTHING, LOGON, PAGES, TEXTS
from tests.support.paths import ROOT
from tests.support.running import Winlogd
from winlogd.config.sections import KEYS, KINDS, Config, environment_name


def test_the_first_screen_has_the_picture_and_the_two_commands() -> None:
    screen = "\n".join(TEXTS["README.md"].splitlines()[:42])
    assert "docs/overview.svg" in screen
    assert "pip install . && .venv/bin/winlogd\n" in screen
    assert "pip install -e '.[test]' && .venv/bin/pytest\n" in screen


@pytest.mark.parametrize("name", PAGES)
def test_every_option_that_is_named_exists(name: str) -> None:
    options = re.findall(
        rf"(?<!-)\b({'|'.join(KINDS)})\.([a-z_]+)\b(?! ?\()", re.sub(r"\]\(.*?\)|https?://\S+", "", TEXTS[name])
    )
    options = [(section, key) for section, key in options if key not in ("com", "org", "toml")]
    assert [f"{section}.{key}" for section, key in options if key not in KEYS[section]] == []


def test_every_variable_that_is_named_exists() -> None:
    known = {environment_name(section, key) for section, keys in KINDS.items() for key in keys}
    refused = {"WINLOGD_PORT"}  # the text says so, and the next test checks it
    ignored = {"WINLOGD_COMPILE"}
    assert set(re.findall(r"\bWINLOGD_[A-Z][A-Z_]+", EVERYTHING)) - refused - ignored <= known


def test_a_variable_that_is_no_option_is_refused_as_the_text_says(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, "", {"WINLOGD_PORT": "tcp://10.0.0.1:3000"})
    assert checked.returncode == 2
    assert "WINLOGD_PORT: unknown variable" in checked.stderr


def test_mistakes_stop_the_start_with_status_2_and_a_line_each(tmp_path: Path) -> None:
    checked = _check_config(tmp_path, '[server]\nport = 70000\nhots = "::"\n', {})
    assert checked.returncode == 2
    assert len(checked.stderr.splitlines()) == 2


def test_a_clients_time_out_is_above_the_servers() -> None:
    [timeout] = re.findall(r"`WINLOG_TIMEOUT` \| `(\d+)`", EVERYTHING)
    assert float(timeout) > Config().server.event_timeout


def test_the_defaults_in_the_text_are_the_programs() -> None:
    config = Config()
    assert f"listens on {config.server.host}, port {config.server.port}," in EVERYTHING
    assert f"database in `{config.database.path}`" in EVERYTHING
    assert f'`"{config.database.pragma_synchronous}"`, the default' in EVERYTHING
    assert f"`WINLOG_USER_AGENT` | `{config.security.expected_user_agent}`" in EVERYTHING


def test_the_columns_and_views_that_are_named_exist(server: Winlogd) -> None:
    server.post(LOGON)
    server.wait_for_log("event stored")
    promised = re.findall(r"^\| `(events_\w+|open_sessions|sessions)` \|", EVERYTHING, re.MULTILINE)
    assert sorted(set(promised)) == ["events_all", "events_history", "events_today", "open_sessions", "sessions"]
    for name in promised:
        assert server.rows(f"SELECT count(*) AS rows FROM {name}")[0]["rows"] == (name != "events_history")


def test_the_messages_that_troubleshooting_names_are_the_programs() -> None:
    rows = TEXTS["docs/operate.md"].partition("\n## Troubleshooting\n")[2]
    messages = re.findall(r"^\| `([a-z][^`]+)`", rows, re.MULTILINE)
    source = "\n".join(path.read_text() for path in (ROOT / "winlogd").rglob("*.py"))
    assert len(messages) > 5
    assert [part for message in messages for part in message.split("…") if part.strip() not in source] == []


def _modules_with_flags() -> list[tuple[str, tuple[str, ...]]]:
    """Return every module that the pages run with ``python -m``, with its flags."""
    found = re.findall(r"python -m ((?:bench|tests)[\w.]*)((?: --[\w-]+(?: [\d.]+)?)*)", EVERYTHING)
    return sorted({(module, tuple(re.findall(r"--[\w-]+", flags))) for module, flags in found})


@pytest.mark.parametrize(("module", "flags"), _modules_with_flags())
def test_a_module_that_is_named_has_the_flags_that_are_named(module: str, flags: tuple[str, ...]) -> None:
    shown = _help(module)
    assert [flag for flag in flags if flag not in shown] == []


def test_the_runs_that_the_figures_come_from_can_be_asked_for() -> None:
    page = TEXTS["docs/performance.md"]
    named = re.findall(r"--(?:scenario|peer) ([\w-]+)", page)
    choices = re.split(r"\W*[{},]\W*|\s+", _help("bench"))
    assert len(named) > 10
    assert [name for name in named if name not in choices] == []


def test_the_figures_of_the_readme_are_the_measured_ones() -> None:
    measured = TEXTS["docs/performance.md"]
    [events, memory, start] = re.findall(r"([\d,.]+) (?:events a second over|MiB of memory\.|s\. )", TEXTS["README.md"])
    assert f"| 64 connections: winlogd | {events} (" in measured
    assert re.search(rf"\| empty database \| [\d.]+ \| {re.escape(memory)} \(", measured)
    assert re.search(rf"\| empty database \| [\d() –]+ \| {float(start) * 1000:.0f} \(", measured)


def _help(module: str) -> str:
    asked = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


def _check_config(folder: Path, text: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    file = folder / "config.toml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "winlogd", "check-config", "--config", str(file)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
    )  # fmt: skip
