import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winlogd.config import KINDS, SECTIONS, Config, ConfigError, environment_name, load
from winlogd.config_faults import wrong_value
from winlogd.config_schema import Kind, NotAllowedError

EXAMPLE = Path(__file__).parents[1] / "config.toml"

# The file that the older server shipped with, whole.
OLDER_FILE = """
[server]
host = "0.0.0.0"
port = 3000

[database]
path = "data/winlog.db"
pragma_journal_mode = "WAL"
pragma_synchronous = "NORMAL"
pragma_busy_timeout = 30000
pragma_cache_size = 10000

[security]
expected_user_agent = "Winlog/0.1.0"
valid_actions = ["C", "D", "M"]

[logging]
level = "info"
format = "compact"
"""

SECTION_LIST = "[server], [database], [rotation], [security], [limits], [logging]"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working directory of the test."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def from_toml(folder: Path, text: str, **environ: str) -> Config:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load(None, environ)


def faults_of(folder: Path, text: str, **environ: str) -> list[str]:
    """What is wrong with a file, without the file's name in front."""
    with pytest.raises(ConfigError) as caught:
        from_toml(folder, text, **environ)
    return [line.removeprefix("config.toml: ") for line in caught.value.faults]


def faults_of_environment(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(None, environ)
    return list(caught.value.faults)


def modules_after(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded when it has run `program`."""
    run = subprocess.run(
        [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"],
        env={"PYTHONPATH": str(EXAMPLE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_without_a_file_and_environment_everything_has_its_default(folder: Path) -> None:
    config = load(None, {})
    assert config.source is None
    assert (config.server.host, config.server.port) == ("127.0.0.1", 3000)
    assert config.server.event_paths == ("/api/v1/events",)
    assert config.database.path == str(folder / "data" / "winlog.db")
    assert config.database.pragma_synchronous == "FULL"
    assert config.security.trusted_proxies == ("127.0.0.1/32", "::1/128")
    assert config.limits.body == 1_048_576
    assert config.logging.names is True


def test_every_default_is_a_value_that_its_option_allows() -> None:
    for section, options in SECTIONS.items():
        assert options._field_defaults.keys() == KINDS[section].keys()
        for key, default in options._field_defaults.items():
            kept = KINDS[section][key].check(list(default) if isinstance(default, tuple) else default)
            assert kept == default
            assert type(kept) is type(default)


def test_the_sections_of_a_configuration_are_those_of_the_file() -> None:
    assert Config._fields == (*SECTIONS, "source")


def test_the_example_file_has_exactly_the_defaults(folder: Path) -> None:
    defaults = load(None, {})
    example = from_toml(folder, EXAMPLE.read_text(encoding="utf-8"))
    assert example._replace(source=None) == defaults


def test_the_example_file_shows_every_option() -> None:
    example = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert {section: set(keys) for section, keys in example.items()} == {
        section: set(keys) for section, keys in KINDS.items()
    }


def test_the_example_file_has_an_explanation_above_every_option() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    bare = [line for above, line in pairwise(lines) if " = " in line and line[0] != "#" and above[:1] != "#"]
    assert bare == []


def test_the_older_servers_file_works_unchanged(folder: Path) -> None:
    config = from_toml(folder, OLDER_FILE)
    assert config.server.host == "0.0.0.0"
    assert config.database.pragma_synchronous == "NORMAL"
    assert config.limits == load(None, {}).limits


def test_the_file_in_the_working_directory_is_read_when_none_is_named(folder: Path) -> None:
    config = from_toml(folder, "[server]\nport = 8080")
    assert config.server.port == 8080
    assert config.source == str(folder / "config.toml")


def test_a_named_file_is_read_instead_of_the_one_in_the_working_directory(folder: Path) -> None:
    (folder / "config.toml").write_text("[server]\nport = 1")
    (folder / "other.toml").write_text("[server]\nport = 2")
    config = load("other.toml", {})
    assert config.server.port == 2
    assert config.source == str(folder / "other.toml")


def test_a_relative_database_counts_from_the_files_folder(folder: Path) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "winlogd.toml").write_text('[database]\npath = "events.db"')
    assert load("etc/winlogd.toml", {}).database.path == str(folder / "etc" / "events.db")


def test_an_absolute_database_stays_where_it_is(folder: Path) -> None:
    config = from_toml(folder, '[database]\npath = "/var/lib/winlogd/winlog.db"')
    assert config.database.path == "/var/lib/winlogd/winlog.db"


@pytest.mark.parametrize(("path", "kept"), [("./a//b.db", "a/b.db"), ("link/../b.db", "link/../b.db")])
def test_a_database_is_told_without_idle_parts_and_without_guessing_about_links(
    folder: Path, path: str, kept: str
) -> None:
    assert load(None, {"WINLOGD_DATABASE_PATH": path}).database.path == f"{folder}/{kept}"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder: Path) -> None:
    (folder / "config.toml").write_bytes(b"\xef\xbb\xbf[server]\r\nport = 8080\r\n")
    assert load(None, {}).server.port == 8080


def test_what_only_faults_and_files_need_is_not_loaded_without_them(folder: Path) -> None:
    loaded = modules_after("from winlogd.config import load; load(None, {})")
    assert loaded & {"difflib", "tomllib"} == set()


def test_the_configuration_loads_nothing_slow_that_serving_does_not_load_anyway() -> None:
    anyway = "import uvloop, orjson, apsw, tomllib"
    more = modules_after(f"{anyway}; import winlogd.config") - modules_after(anyway)
    assert "winlogd.config" in more
    assert more & {"pathlib", "ipaddress", "difflib", "argparse", "urllib.parse"} == set()


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().server.port = 1  # type: ignore[misc]  # that it is forbidden is what is tested


# Files that cannot be used


def test_a_named_file_that_is_missing_is_a_fault(folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load("absent.toml", {})
    assert caught.value.faults == ("absent.toml: cannot be read: No such file or directory",)


def test_an_empty_name_of_a_file_is_a_fault_and_not_the_default(folder: Path) -> None:
    (folder / "config.toml").write_text("")
    with pytest.raises(ConfigError) as caught:
        load("", {})
    assert caught.value.faults == (".: cannot be read: Is a directory",)


def test_a_folder_in_place_of_the_file_is_a_fault(folder: Path) -> None:
    (folder / "config.toml").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    assert caught.value.faults == ("config.toml: cannot be read: Is a directory",)


def test_a_link_to_nowhere_is_a_fault_and_not_the_defaults(folder: Path) -> None:
    (folder / "config.toml").symlink_to("absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(None, {})


def test_a_file_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(ConfigError) as caught:
        load("/dev/zero", {})
    assert caught.value.faults == ("/dev/zero: is no configuration: it has more than 1048576 bytes",)


def test_a_file_that_is_not_utf8_is_refused_with_the_line(folder: Path) -> None:
    (folder / "config.toml").write_bytes("[server]\n# été\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    assert caught.value.faults == ("config.toml: is not UTF-8 text (at line 2); save it as UTF-8",)


def test_a_mistake_in_the_notation_is_told_with_line_and_column(folder: Path) -> None:
    assert faults_of(folder, "[server]\nport 3000\n") == [
        "is not valid TOML: Expected '=' after a key in a key/value pair (at line 2, column 6)"
    ]


@pytest.mark.parametrize("text", ["[server]\nport = 1\nport = 2", "[server]\nport = 1\n[server]\nport = 1"])
def test_a_key_or_section_given_twice_is_refused(folder: Path, text: str) -> None:
    (fault,) = faults_of(folder, text)
    assert "(at line 3, column" in fault
    assert fault.endswith("is it there twice?")


def test_a_number_with_thousands_of_digits_is_refused(folder: Path) -> None:
    assert faults_of(folder, f"[server]\nport = {'9' * 5000}") == ["is not valid TOML: a number has too many digits"]


def test_a_list_nested_without_end_is_refused(folder: Path) -> None:
    assert faults_of(folder, f"[server]\nevent_paths = {'[' * 100_000}") == [
        "is not valid TOML: lists or tables are nested too deeply"
    ]


def test_faults_begin_with_the_name_of_the_file_as_it_was_given(folder: Path) -> None:
    (folder / "site\n.toml").write_text("[server]\nport = 70000")
    with pytest.raises(ConfigError) as caught:
        load("site\n.toml", {})
    assert caught.value.faults == ("site\\n.toml: server.port = 70000: must be a whole number from 0 to 65535",)


# Values that are not allowed


def test_a_wrong_port_is_refused_with_what_is_allowed(folder: Path) -> None:
    assert faults_of(folder, "[server]\nport = 70000") == [
        "server.port = 70000: must be a whole number from 0 to 65535"
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("server.host", '""'),
        ("server.host", '"127.0.0.1:3000"'),
        ("server.host", '"two words"'),
        ("server.host", "3000"),
        ("server.port", "-1"),
        ("server.port", "true"),
        ("server.port", "3000.0"),
        ("server.port", '"3000"'),
        ("server.port", "{ x = 1 }"),
        ("server.port", "0x" + "f" * 5000),
        ("server.event_paths", '"/api/v1/events"'),
        ("server.event_paths", "[]"),
        ("server.event_paths", "[1]"),
        ("server.event_paths", '[""]'),
        ("server.event_paths", '["api"]'),
        ("server.event_paths", '["/a?b"]'),
        ("server.event_paths", '["/a#b"]'),
        ("server.event_paths", '["/a b"]'),
        ("server.event_paths", '["/a\\u0000"]'),
        ("server.event_paths", '["/été"]'),
        ("server.event_paths", '["/a", "/b", "/a"]'),
        ("server.event_paths", '["/health"]'),
        ("server.event_paths", '["/api/v1/sessions/current"]'),
        ("server.max_connections", "0"),
        ("server.event_timeout", "0"),
        ("server.event_timeout", "-1.5"),
        ("server.event_timeout", "inf"),
        ("server.event_timeout", "nan"),
        ("server.event_timeout", "true"),
        ("server.event_timeout", "1e300"),
        ("server.event_timeout", "07:32:00"),
        ("server.shutdown_timeout", '"10"'),
        ("database.path", '""'),
        ("database.path", '"data/"'),
        ("database.path", '"da\\u0000ta"'),
        ("database.path", '"da\\nta"'),
        ("database.pragma_journal_mode", '"MEMORY"'),
        ("database.pragma_journal_mode", '"OFF"'),
        ("database.pragma_synchronous", '"OFF"'),
        ("database.pragma_synchronous", "1"),
        ("database.pragma_synchronous", '"1"'),
        ("database.pragma_busy_timeout", "-1"),
        ("database.pragma_cache_size", "3_000_000_000"),
        ("security.expected_user_agent", '"Winlog\\r\\n"'),
        ("security.expected_user_agent", '"Winlog\\u007f"'),
        ("security.expected_user_agent", '"Winlog €"'),
        ("security.expected_user_agent", '" Winlog"'),
        ("security.valid_actions", "[]"),
        ("security.valid_actions", '["X"]'),
        ("security.valid_actions", '["c"]'),
        ("security.valid_actions", '["C", "C"]'),
        ("security.valid_actions", '"CDM"'),
        ("security.trusted_proxies", '["proxy.example.org"]'),
        ("security.trusted_proxies", '["10.0.0.0/33"]'),
        ("security.trusted_proxies", '["10.0.0.1/24"]'),
        ("security.trusted_proxies", '["fe80::1%eth0"]'),
        ("security.trusted_proxies", '["10.0.0.1", "10.0.0.1/32"]'),
        ("limits.request_line", "63"),
        ("limits.headers", "255"),
        ("limits.header_fields", "3"),
        ("limits.body", "1023"),
        ("limits.body", "100_000_000_000"),
        ("limits.idle_timeout", "0"),
        ("limits.connections_per_address", "-1"),
        ("limits.events_per_second", "-1"),
        ("limits.events_per_second", "0.0001"),
        ("limits.events_per_second", "nan"),
        ("limits.events_per_second", "true"),
        ("limits.events_per_second", '"10"'),
        ("limits.events_burst", "1.5"),
        ("limits.rate_delay", "0"),
        ("limits.queued_events", "0"),
        ("limits.min_free_disk", "-1"),
        ("logging.level", '"verbose"'),
        ("logging.format", '"xml"'),
        ("logging.names", '"false"'),
        ("logging.names", "1"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_one_line(folder: Path, option: str, value: str) -> None:
    section, _, key = option.partition(".")
    (fault,) = faults_of(folder, f"[{section}]\n{key} = {value}")
    assert fault.startswith(f"{option} = ")
    assert f": must be {KINDS[section][key].allowed}" in fault
    assert fault.isprintable()
    assert len(fault) < 300


@pytest.mark.parametrize(
    ("option", "value", "kept"),
    [
        ("server.host", '"::"', "::"),
        ("server.host", '"fe80::1%eth0"', "fe80::1%eth0"),
        ("server.host", '"winlog.example.org"', "winlog.example.org"),
        ("server.port", "0", 0),
        ("server.port", "65535", 65535),
        ("server.event_paths", '["/index.php", "/a%20b/~c"]', ("/index.php", "/a%20b/~c")),
        ("server.event_timeout", "1", 1.0),
        ("server.event_timeout", "0.5", 0.5),
        ("database.pragma_journal_mode", '"wal"', "WAL"),
        ("database.pragma_journal_mode", '"Truncate"', "TRUNCATE"),
        ("database.pragma_synchronous", '"extra"', "EXTRA"),
        ("database.pragma_busy_timeout", "0", 0),
        ("database.pragma_cache_size", "-20000", -20000),
        ("security.expected_user_agent", '""', ""),
        ("security.expected_user_agent", '"Relevé/2 "', "Relevé/2 "),
        ("security.valid_actions", '["D", "C"]', ("D", "C")),
        ("security.trusted_proxies", "[]", ()),
        ("security.trusted_proxies", '["0.0.0.0/0", "::/0"]', ("0.0.0.0/0", "::/0")),
        ("security.trusted_proxies", '["10.1.2.3", "FD00:0::/8"]', ("10.1.2.3/32", "fd00::/8")),
        ("limits.events_per_second", "0", 0.0),
        ("limits.events_per_second", "5", 5.0),
        ("limits.events_per_second", "0.5", 0.5),
        ("limits.min_free_disk", "0", 0),
        ("logging.level", '"WARN"', "warn"),
        ("logging.names", "false", False),
    ],
)
def test_a_value_that_is_allowed_is_kept_in_its_usual_form(folder: Path, option: str, value: str, kept: object) -> None:
    section, _, key = option.partition(".")
    config = from_toml(folder, f"[{section}]\n{key} = {value}")
    found = getattr(getattr(config, section), key)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("/health", '("/health" has another use)'),
        ("/a?b", '("/a?b" holds "?")'),
        ("events", '("events" does not begin with /)'),
    ],
)
def test_of_a_list_the_wrong_item_is_named(folder: Path, item: str, reason: str) -> None:
    (fault,) = faults_of(folder, f'[server]\nevent_paths = ["/good", "{item}"]')
    assert fault.endswith(reason)


def test_a_network_with_an_address_inside_is_refused_with_the_network_it_is_in(folder: Path) -> None:
    (fault,) = faults_of(folder, '[security]\ntrusted_proxies = ["10.0.0.7/24"]')
    assert fault.endswith('("10.0.0.7/24" is an address inside of 10.0.0.0/24)')


def test_a_foreign_value_is_shown_escaped_and_shortened(folder: Path) -> None:
    value = "\\u001b[31m\\r\\n\\u202e" + "x" * 10_000
    assert faults_of(folder, f'[logging]\nlevel = "{value}"') == [
        'logging.level = "\\x1b[31m\\r\\n\\u202e' + "x" * 42 + '"...: must be one of trace, debug, info, warn, error'
    ]


def test_all_faults_are_reported_at_once(folder: Path) -> None:
    faults = faults_of(
        folder,
        "[server]\nport = -1\nprot = 1\n[logging]\nnames = 1\n[sever]\nport = 1",
        WINLOGD_LIMITS_BODY="none",
    )
    assert [fault.split(":")[0] for fault in faults] == [
        "server.port = -1",
        "server.prot",
        "logging.names = 1",
        "[sever]",
        'WINLOGD_LIMITS_BODY="none"',
    ]


def test_the_text_of_the_error_is_its_faults_line_by_line() -> None:
    assert str(ConfigError(("one", "two"))) == "one\ntwo"


# Names that are not known


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server]\nprot = 1", "server.prot: unknown key; did you mean server.port?"),
        ("[server]\nPort = 1", "server.Port: unknown key; did you mean server.port?"),
        ("[server]\nevent-paths = 1", "server.event-paths: unknown key; did you mean server.event_paths?"),
        ("[logging]\nport = 1", "logging.port: unknown key; did you mean server.port?"),
        (
            "[server]\ntrusted_proxy = 1",
            "server.trusted_proxy: unknown key; did you mean security.trusted_proxies?",
        ),
        ("[logging]\nzzz = 1", "logging.zzz: unknown key; [logging] has level, format, names"),
        ('[server]\n"a\\nb" = 1', None),
        ("[sever]\nport = 1", "[sever]: unknown section; did you mean [server]?"),
        ("[Server]", "[Server]: unknown section; did you mean [server]?"),
        ("port = 3000", "port: unknown key, outside of any section; did you mean server.port?"),
        (
            "[zzz]",
            f"[zzz]: unknown section; the sections are {SECTION_LIST}",
        ),
        ("[[zzz]]", None),
        ("server = 5", "server = 5: must be a section: [server], once"),
        ("[[server]]\nport = 1", "server = [{...}]: must be a section: [server], once"),
        ("[server.tls]\nport = 1", None),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(folder: Path, text: str, fault: str | None) -> None:
    (found,) = faults_of(folder, text)
    assert found.isprintable()
    assert "unknown" in found or "must be" in found
    assert fault is None or found == fault


def test_every_option_is_the_suggestion_for_its_own_misspelling(folder: Path) -> None:
    text = "".join(f"[{section}]\n" + "".join(f"{key}x = 1\n" for key in keys) for section, keys in KINDS.items())
    names = [f"{section}.{key}" for section, keys in KINDS.items() for key in keys]
    assert faults_of(folder, text) == [f"{name}x: unknown key; did you mean {name}?" for name in names]


# The environment


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
    "text", ["abc", "", "80 80", "8_0", "0x50", "80.0", "--1", "٣", "9" * 5000, "70000", "true", "nan", "1."]
)
def test_a_variable_that_is_no_port_is_refused(folder: Path, text: str) -> None:
    (fault,) = faults_of_environment(WINLOGD_SERVER_PORT=text)
    assert fault.startswith('WINLOGD_SERVER_PORT="')
    assert fault.endswith(": must be a whole number from 0 to 65535")


@pytest.mark.parametrize("text", ["", "inf", "nan", "1e3", "1_0", ".5", "5.", "-1", "0", "0.0", "٣.٣", "1.²"])
def test_a_variable_that_is_no_time_is_refused(folder: Path, text: str) -> None:
    (fault,) = faults_of_environment(WINLOGD_LIMITS_BODY_TIMEOUT=text)
    assert "must be a number of seconds above 0" in fault


@pytest.mark.parametrize("text", ["", "on", "2", "truer"])
def test_a_variable_that_is_no_flag_is_refused(folder: Path, text: str) -> None:
    assert faults_of_environment(WINLOGD_LOGGING_NAMES=text) == [
        f'WINLOGD_LOGGING_NAMES="{text}": must be true or false'
    ]


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


def test_variables_of_other_programs_do_not_matter(folder: Path) -> None:
    environ = {"WINLOG_SERVER_URL": "http://x", "PATH": "/bin", "winlogd_server_port": "abc"}
    assert load(None, environ) == load(None, {})


# Whatever comes from outside


TOML_VALUES = st.recursive(
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.times()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def refusal(kind: Kind[object], value: object) -> str:
    """What a kind says about a value; nothing if it takes it."""
    try:
        kind.check(value)
    except NotAllowedError as error:
        return error.detail
    return ""


def refusals(path: str | None, **environ: str) -> tuple[str, ...]:
    """All the faults; none if the configuration can be used."""
    try:
        load(path, environ)
    except ConfigError as error:
        return error.faults
    return ()


@given(TOML_VALUES)
def test_whatever_a_value_is_every_kind_takes_or_refuses_it_in_print(value: object) -> None:
    for section, keys in KINDS.items():
        for key, kind in keys.items():
            line = wrong_value(f"{section}.{key} = ", value, kind.allowed, refusal(kind, value))
            assert line.isprintable()
            assert len(line) < 400


@given(st.sampled_from([(section, key) for section in KINDS for key in KINDS[section]]), st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the folder stays empty
def test_whatever_a_variable_says_there_is_at_most_one_line_about_it(
    folder: Path, option: tuple[str, str], text: str
) -> None:
    faults = refusals(None, **{environment_name(*option): text})
    assert len(faults) <= 1
    assert all(fault.isprintable() and len(fault) < 400 for fault in faults)


@given(st.text() | st.text(alphabet='[]=."\n{},ab1'))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the file is written anew each time
def test_whatever_a_file_says_its_faults_are_printable_lines(folder: Path, text: str) -> None:
    file = folder / "any.toml"
    file.write_text(text, encoding="utf-8")
    assert all(fault.isprintable() for fault in refusals(str(file)))
