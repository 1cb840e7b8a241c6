"""Values that are allowed and do harm: a line for each on standard error and in the log. None is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.configured import from_toml, verdict_of
from tests.support.running import an_event, run_to_end, running
from winlogd.config.load import may_hurt
from winlogd.config.sections import Config
from winlogd.config.warnings import CLIENTS_USER_AGENT, warnings_of, warnings_of_machine

WARNED: Mapping[str, tuple[str, str]] = {
    '[security]\nexpected_user_agent = "Winlog/*"': (
        'security.expected_user_agent = "Winlog/*": * stands for itself',
        'the beginning of the header is enough: "Winlog/"',
    ),
    '[security]\nexpected_user_agent = "Relevé/2"': (
        'security.expected_user_agent = "Relevé/2": clients send such letters as UTF-8',
        "use ASCII letters alone",
    ),
    '[security]\nexpected_user_agent = "winlog/0.1.0"': (
        'security.expected_user_agent = "winlog/0.1.0": letter case, spaces and signs count',
        "write that, or a beginning of it",
    ),
    '[security]\nexpected_user_agent = "Winlog/0.1.0 "': (
        'security.expected_user_agent = "Winlog/0.1.0 ": letter case, spaces and signs count',
        "write that, or a beginning of it",
    ),
    "[security]\nexpected_user_agent = '\"Winlog/0.1.0\"'": (
        'security.expected_user_agent = "\\"Winlog/0.1.0\\"": letter case, spaces and signs count',
        "write that, or a beginning of it",
    ),
    "[server]\nevent_timeout = 60": (
        "server.event_timeout = 60: the clients give up after 30 s and get no answer",
        "(unless you raised WINLOG_TIMEOUT on all of them)",
    ),
    "[server]\nevent_timeout = 30.0": (
        "server.event_timeout = 30: the clients give up after 30 s and get no answer",
        "(unless you raised WINLOG_TIMEOUT on all of them)",
    ),
    "[limits]\nevents_per_second = 5\nrate_delay = 40": (
        "limits.rate_delay = 40: the clients give up after 30 s and send the event again",
        "keep it well below, 5 is usual",
    ),
    '[security]\nvalid_actions = ["C", "M"]': (
        'security.valid_actions = ["C", "M"]: logoffs are refused with 400 and lost',
        "add them",
    ),
    '[security]\nvalid_actions = ["M"]': (
        'security.valid_actions = ["M"]: logons and logoffs are refused with 400 and lost',
        "add them",
    ),
    "[security]\ningest_networks = []": (
        "security.ingest_networks = []: nobody may send events",
        'or leave it out for ["0.0.0.0/0", "::/0"]',
    ),
    '[security]\nread_networks = ["10.0.0.0/8", "::/0"]': (
        'security.read_networks = ["10.0.0.0/8", "::/0"]: everybody who reaches the port can ask who is where',
        "name the networks of those who may",
    ),
    '[security]\nread_networks = ["0.0.0.0/1", "128.0.0.0/1"]': (
        'security.read_networks = ["0.0.0.0/1", "128.0.0.0/1"]: everybody who reaches the port can ask who is where',
        "name the networks of those who may",
    ),
    '[security]\nread_networks = ["127.0.0.0/8", "10.0.0.0/8"]': (
        'security.read_networks: "127.0.0.0/8" has no effect, because security.local_reads decides for this machine',
        "leave it out",
    ),
    '[rooms]\nA102 = ["A102-*"]\n[rooms.aliases]\nS12 = "a102"\nS11 = "S12"\n"S 10" = "A103"': (
        'rooms.aliases."S 10" = "A103": there is no such room in [rooms]',
        "add its patterns, or correct the name",
    ),
    '[database]\npragma_synchronous = "NORMAL"\npragma_journal_mode = "DELETE"': (
        'database.pragma_synchronous = "NORMAL": with pragma_journal_mode = "DELETE" a power cut can damage',
        'use "FULL", or the journal mode "WAL"',
    ),
}
"""The text of a file, and the beginning and the end of its one warning."""


@pytest.mark.parametrize("settings", WARNED)
def test_what_will_hurt_is_warned_of_in_one_line(folder: Path, settings: str) -> None:
    beginning, end = WARNED[settings]
    (warning,) = warnings_of(from_toml(folder, settings))
    assert warning.startswith(beginning)
    assert warning.endswith(end)
    assert warning.isprintable()


@pytest.mark.parametrize("settings", WARNED)
def test_the_start_looks_for_warnings_wherever_there_is_one(folder: Path, settings: str) -> None:
    assert may_hurt(from_toml(folder, settings))


def test_the_defaults_have_no_warning_and_load_nothing_for_it() -> None:
    assert not may_hurt(Config())
    assert warnings_of(Config()) == ()


@pytest.mark.parametrize(
    "settings",
    [
        '[security]\nexpected_user_agent = ""',
        '[security]\nexpected_user_agent = "Winlog/"',
        '[security]\nexpected_user_agent = "Winlog/0.1.0 (Windows)"',
        '[security]\nexpected_user_agent = "Agent/7"',
        '[security]\nexpected_user_agent = "Winlog/0.1.0 "\ningest_token = "Zk3-correct.horse_battery"',
        '[security]\nvalid_actions = ["D", "C"]',
        '[security]\ningest_networks = ["10.0.0.0/8"]',
        "[server]\nevent_timeout = 29.9",
        '[security]\nread_networks = ["10.0.0.0/8"]',
        '[rooms]\nfrom_hostname = "{room}-*"\n[rooms.aliases]\nS12 = "A102"',
        "[limits]\nrate_delay = 40",
        '[database]\npragma_synchronous = "NORMAL"',
        '[database]\npragma_journal_mode = "DELETE"',
    ],
)
def test_what_does_not_hurt_is_not_warned_of(folder: Path, settings: str) -> None:
    assert warnings_of(from_toml(folder, settings)) == ()


def test_the_clients_user_agent_is_the_one_that_is_expected() -> None:
    assert Config().security.expected_user_agent == CLIENTS_USER_AGENT


# The machine


class AMachine:
    """A machine with these answers to the questions about a path and a host."""

    def __init__(self, kind: str = "", reason: str = "") -> None:
        self._kind, self._reason = kind, reason

    def kind_of(self, _: str) -> str:
        return self._kind

    def cannot_listen(self, _: str) -> str:
        return self._reason


@pytest.mark.parametrize(
    ("machine", "warnings"),
    [
        (AMachine(), ()),
        (
            AMachine(kind="a folder"),
            (
                'database.path = "/etc": is a folder, and winlogd will not start with it; '
                'name a file, such as "/etc/winlog.db"',
            ),
        ),
        (
            AMachine(kind="a pipe"),
            (
                'database.path = "/etc": is a pipe, and winlogd will not start with it; '
                'name a file, such as "/var/lib/winlogd/winlog.db"',
            ),
        ),
        (
            AMachine(reason="No address"),
            (
                'server.host = "127.0.0.1": this machine cannot listen there (No address), and winlogd will not start; '
                'give an address of this machine, or "0.0.0.0" for all',
            ),
        ),
    ],
)
def test_what_the_machine_lacks_is_warned_of(folder: Path, machine: AMachine, warnings: tuple[str, ...]) -> None:
    assert warnings_of_machine(from_toml(folder, '[database]\npath = "/etc"'), machine) == warnings


# The command and the start


@pytest.mark.parametrize("settings", WARNED)
def test_check_config_prints_each_warning_and_ends_with_0(tmp_path: Path, settings: str) -> None:
    (tmp_path / "config.toml").write_text(settings, "utf-8")
    ended = run_to_end(tmp_path, "check-config")
    assert (ended.returncode, verdict_of(ended.stdout)) == (0, f"{tmp_path}/config.toml: ok\n")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"winlogd: {WARNED[settings][0]}")


@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        ('[database]\npath = "/etc"', 'database.path = "/etc": is a folder'),
        ('[database]\npath = "/dev/null"', 'database.path = "/dev/null": is a device'),
        ('[server]\nhost = "192.0.2.1"', 'server.host = "192.0.2.1": this machine cannot listen there (Cannot assign'),
        ('[server]\nhost = "a..b"', 'server.host = "a..b": this machine cannot listen there ('),
    ],
)
def test_check_config_looks_at_the_machine(tmp_path: Path, settings: str, beginning: str) -> None:
    (tmp_path / "config.toml").write_text(settings)
    ended = run_to_end(tmp_path, "check-config")
    assert (ended.returncode, verdict_of(ended.stdout)) == (0, f"{tmp_path}/config.toml: ok\n")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"winlogd: {beginning}")


def test_several_warnings_have_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[server]\nevent_timeout = 60\n[security]\nvalid_actions = ["M"]')
    ended = run_to_end(tmp_path, "check-config")
    assert ended.returncode == 0
    assert [line.split()[1] for line in ended.stderr.splitlines()] == ["server.event_timeout", "security.valid_actions"]


def test_the_server_logs_the_same_lines_at_its_start_and_serves(tmp_path: Path) -> None:
    with running(tmp_path, "[server]\nevent_timeout = 60") as server:
        assert server.post(an_event()).status == 200
        (line,) = [line for line in server.log.splitlines() if " WARN " in line]
        assert '"server.event_timeout = 60: the clients give up after 30 s and get no answer; keep it below' in line
        assert "WARN" not in server.log.partition("listening")[2]
