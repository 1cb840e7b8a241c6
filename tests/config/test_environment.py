"""Each variable of the environment sets its option and overrides the file. An unusable value is refused."""

from pathlib import Path

import pytest

from tests.support.configured import SECTION_LIST, faults_of, from_toml
from winlogd.config.load import ConfigError, load
from winlogd.config.messages import escaped
from winlogd.config.sections import KINDS, environment_name

NOT_STRIPPED = ["8\x1f", "\x1c8", "8 ", " 8", "8\r", "8\n", "8\xa0", "\u30008", "8\x85", "8.\x1f"]
"""Numbers with characters that some functions of Python take for white space, and some do not."""


def faults_of_environment(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(None, environ)
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("variable", "text", "option", "kept"),
    [
        ("WINLOGD_SERVER_HOST", "::1", "server.host", "::1"),
        ("WINLOGD_SERVER_PORT", "8080", "server.port", 8080),
        ("WINLOGD_SERVER_EVENT_PATHS", "/a, /b", "server.event_paths", ("/a", "/b")),
        ("WINLOGD_SERVER_EVENT_TIMEOUT", "2", "server.event_timeout", 2.0),
        ("WINLOGD_SERVER_EVENT_TIMEOUT", "2.5", "server.event_timeout", 2.5),
        ("WINLOGD_DATABASE_PATH", "/srv/winlog.db", "database.path", "/srv/winlog.db"),
        ("WINLOGD_DATABASE_PRAGMA_CACHE_SIZE", "-64", "database.pragma_cache_size", -64),
        ("WINLOGD_SECURITY_EXPECTED_USER_AGENT", "", "security.expected_user_agent", ""),
        ("WINLOGD_SECURITY_TRUSTED_PROXIES", "", "security.trusted_proxies", ()),
        ("WINLOGD_SECURITY_VALID_ACTIONS", "C,D", "security.valid_actions", ("C", "D")),
        ("WINLOGD_SECURITY_NAMES", "Winlog.Example.org.,winlog", "security.names", ("winlog.example.org", "winlog")),
        ("WINLOGD_ROOMS_FROM_HOSTNAME", "{room}-*", "rooms.from_hostname", "{room}-*"),
        ("WINLOGD_ROOMS_SILENT_DAYS", "5", "rooms.silent_days", 5),
        ("WINLOGD_SESSIONS_MULTI_USER", "TS-*, RDS", "sessions.multi_user", ("TS-*", "RDS")),
        ("WINLOGD_SESSIONS_CLOSING", "19:00", "sessions.closing", "19:00"),
        ("WINLOGD_LOGGING_NAMES", "no", "logging.names", False),
        ("WINLOGD_LOGGING_NAMES", "0", "logging.names", False),
        ("WINLOGD_LOGGING_NAMES", "False", "logging.names", False),
        ("WINLOGD_LOGGING_NAMES", "yes", "logging.names", True),
        ("WINLOGD_LOGGING_LEVEL", "DEBUG", "logging.level", "debug"),
    ],
)
def test_a_variable_sets_its_option(folder: Path, variable: str, text: str, option: str, kept: object) -> None:
    section, _, key = option.partition(".")
    assert getattr(getattr(load(None, {variable: text}), section), key) == kept


def test_every_option_has_its_variable(folder: Path) -> None:
    known = {environment_name(section, key) for section, keys in KINDS.items() for key in keys}
    assert len(known) == sum(len(keys) for keys in KINDS.values())
    faults = faults_of_environment(**dict.fromkeys(known, "\0x"))
    found = {name: "(not shown)" if name == "WINLOGD_SECURITY_INGEST_TOKEN" else '"\\x00x"' for name in known}
    assert {fault.partition(": must be ")[0] for fault in faults} == {
        f"{name}={shown}" for name, shown in found.items()
    }


def test_a_variable_wins_over_the_file(folder: Path) -> None:
    config = from_toml(folder, "[server]\nport = 1\nmax_connections = 5", WINLOGD_SERVER_PORT="2")
    assert (config.server.port, config.server.max_connections) == (2, 5)


def test_a_variable_does_not_hide_a_fault_in_the_file(folder: Path) -> None:
    (fault,) = faults_of(folder, "[server]\nport = 70000", WINLOGD_SERVER_PORT="2")
    assert fault.startswith("server.port = 70000: ")


def test_a_relative_database_from_the_environment_counts_from_the_same_folder(folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "winlogd.toml").write_text("")
    config = load("etc/winlogd.toml", {"WINLOGD_DATABASE_PATH": "other.db"})
    assert config.database.path == str(folder / "etc" / "other.db")


@pytest.mark.parametrize(
    "text",
    ["abc", "", "80 80", "8_0", "0x50", "80.0", "--1", "٣", "9" * 5000, "70000", "true", "nan", "1.", *NOT_STRIPPED],
)
def test_a_variable_that_is_no_port_is_refused(folder: Path, text: str) -> None:
    (fault,) = faults_of_environment(WINLOGD_SERVER_PORT=text)
    assert fault.startswith('WINLOGD_SERVER_PORT="')
    assert fault.endswith(": must be a whole number from 0 to 65535")


@pytest.mark.parametrize(
    "text", ["", "inf", "nan", "1e3", "1_0", ".5", "5.", "-1", "0", "0.0", "٣.٣", "1.²", *NOT_STRIPPED]
)
def test_a_variable_that_is_no_time_is_refused(folder: Path, text: str) -> None:
    (fault,) = faults_of_environment(WINLOGD_LIMITS_BODY_TIMEOUT=text)
    assert "must be a number of seconds above 0" in fault


@pytest.mark.parametrize("text", ["", "on", "2", "truer", "true\x1f", " no", "yes\r"])
def test_a_variable_that_is_no_flag_is_refused(folder: Path, text: str) -> None:
    assert faults_of_environment(WINLOGD_LOGGING_NAMES=text) == [
        f'WINLOGD_LOGGING_NAMES="{escaped(text)}": must be true or false'
    ]


def test_only_spaces_around_the_items_of_a_list_are_no_part_of_them(folder: Path) -> None:
    assert load(None, {"WINLOGD_SECURITY_VALID_ACTIONS": " C ,  D "}).security.valid_actions == ("C", "D")
    (fault,) = faults_of_environment(WINLOGD_SECURITY_VALID_ACTIONS="C,\x1fD")
    assert fault.endswith('("\\x1fD" is none of them)')


def test_a_variable_with_bytes_that_are_not_utf8_is_refused(folder: Path) -> None:
    (fault,) = faults_of_environment(WINLOGD_DATABASE_PATH="caf\udce9.db")
    assert fault.startswith('WINLOGD_DATABASE_PATH="caf\\udce9.db": must be the path of a file')


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("WINLOGD_SERVER_PROT", "did you mean WINLOGD_SERVER_PORT?"),
        ("WINLOGD_LOGGING_PORT", "did you mean WINLOGD_SERVER_PORT?"),
        ("WINLOGD_SEVER_PORT", "did you mean WINLOGD_SERVER_PORT?"),
        ("WINLOGD_PORT", "did you mean WINLOGD_SERVER_PORT?"),
        ("WINLOGD_LOGGING_LVEL", "did you mean WINLOGD_LOGGING_LEVEL?"),
        (
            "WINLOGD_",
            f"names are WINLOGD_<SECTION>_<KEY>, the sections are {SECTION_LIST}",
        ),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_known_one(folder: Path, variable: str, hint: str) -> None:
    assert faults_of_environment(**{variable: "secret"}) == [f"{variable}: unknown variable; {hint}"]


@pytest.mark.parametrize("variable", ["winlogd_server_port", "Winlogd_Server_Port", "WINLOGD_server_port"])
def test_a_variable_in_lower_case_letters_is_refused_because_it_would_set_nothing(folder: Path, variable: str) -> None:
    assert faults_of_environment(**{variable: "8080"}) == [
        f"{variable}: unknown variable; did you mean WINLOGD_SERVER_PORT?"
    ]


def test_variables_of_other_programs_and_of_the_build_do_not_matter(folder: Path) -> None:
    environ = {"WINLOG_SERVER_URL": "http://x", "PATH": "/bin", "WINLOGDSERVER": "x", "WINLOGD_COMPILE": '"1"'}
    assert load(None, environ) == load(None, {})


# Quotes, which a shell removes and `docker --env-file` does not


@pytest.mark.parametrize("text", ['"{}"', "'{}'", "“{}”", "„{}“", '"{}', '{}"', '"{}"\r', ' "{}"', "''{}''"])
@pytest.mark.parametrize(
    ("variable", "bare"),
    [
        ("WINLOGD_SERVER_PORT", "8080"),
        ("WINLOGD_SERVER_HOST", "0.0.0.0"),
        ("WINLOGD_DATABASE_PATH", "/var/lib/winlogd/winlog.db"),
        ("WINLOGD_SECURITY_EXPECTED_USER_AGENT", "Winlog/"),
        ("WINLOGD_SECURITY_EXPECTED_USER_AGENT", ""),
        ("WINLOGD_SECURITY_VALID_ACTIONS", "C,D"),
        ("WINLOGD_ROTATION_AT", "01:00"),
    ],
)
def test_a_value_in_quotes_is_refused_and_told_without_them(folder: Path, variable: str, bare: str, text: str) -> None:
    (fault,) = faults_of_environment(**{variable: text.format(bare)})
    assert fault.startswith(f'{variable}="')
    assert ": drop the quotes, which are taken for a part of the value" in fault
    assert fault.endswith(f": {variable}={bare}")
    assert fault.isprintable()


def test_a_token_in_quotes_is_refused_and_not_shown(folder: Path) -> None:
    (fault,) = faults_of_environment(WINLOGD_SECURITY_INGEST_TOKEN='"Zk3-correct.horse_battery"')
    assert fault.startswith("WINLOGD_SECURITY_INGEST_TOKEN=(not shown): drop the quotes")
    assert "Zk3" not in fault


def test_quotes_inside_of_a_value_are_a_part_of_it(folder: Path) -> None:
    assert load(None, {"WINLOGD_DATABASE_PATH": "/srv/bob's.db"}).database.path == "/srv/bob's.db"
