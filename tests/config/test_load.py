"""Where the configuration comes from: the defaults, or a file that is found or named. Some files cannot be used."""

import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.configured import faults_of, from_toml
from tests.support.paths import ROOT
from winlogd.config.load import ConfigError, load
from winlogd.config.sections import KEYS, KINDS, SECTIONS, Config

EXAMPLE = ROOT / "config.toml"

# The whole configuration file of the older server.
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


def modules_after(program: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `program`."""
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
        assert options.defaults().keys() >= KINDS[section].keys()
        for key in KINDS[section]:
            default = options.defaults()[key]
            kept = KINDS[section][key].check(list(default) if isinstance(default, tuple) else default)
            assert kept == default
            assert type(kept) is type(default)


def test_the_sections_of_a_configuration_are_those_of_the_file() -> None:
    assert list(Config.defaults()) == [*SECTIONS, "source"]


def test_the_example_file_has_exactly_the_defaults(folder: Path) -> None:
    defaults = load(None, {})
    example = from_toml(folder, EXAMPLE.read_text(encoding="utf-8"))
    assert example.replaced(source=None) == defaults


def test_the_example_file_shows_every_option() -> None:
    example = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    hidden = {"security": {"read_networks"}, "retention": {"history_days"}}
    """Options that are shown in a comment: who sets one, even to its default, has decided something."""
    assert {section: set(keys) for section, keys in example.items()} == {
        section: set(keys) - hidden.get(section, set()) for section, keys in KEYS.items()
    }
    assert "\n#   read_networks = [" in EXAMPLE.read_text(encoding="utf-8")
    assert "\n#   history_days = 365\n" in EXAMPLE.read_text(encoding="utf-8")


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


def test_without_a_file_in_the_working_directory_that_of_the_system_is_read(folder: Path) -> None:
    system = folder / "etc" / "winlogd" / "config.toml"
    system.parent.mkdir(parents=True)
    system.write_text('[server]\nport = 1\n[database]\npath = "data/winlog.db"\n')

    config = load(None, {})

    assert (config.server.port, config.source) == (1, str(system))
    assert config.database.path == str(system.parent / "data" / "winlog.db")
    assert from_toml(folder, "[server]\nport = 2").server.port == 2
    (folder / "other.toml").write_text("")
    assert load("other.toml", {}).server.port == 3000


def test_a_fault_in_the_systems_file_names_it(folder: Path) -> None:
    system = folder / "etc" / "winlogd" / "config.toml"
    system.parent.mkdir(parents=True)
    system.write_text("[server]\nport = 70000\n")

    with pytest.raises(ConfigError) as caught:
        load(None, {})

    [fault] = caught.value.faults
    assert fault.startswith(f"{system}: server.port = 70000")


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
    loaded = modules_after("from winlogd.config.load import load; load(None, {})")
    assert loaded & {"difflib", "tomllib", "winlogd.config.faults", "winlogd.config.messages"} == set()


def test_the_configuration_loads_nothing_slow_that_serving_does_not_load_anyway() -> None:
    anyway = "import uvloop, orjson, apsw, tomllib"
    more = modules_after(f"{anyway}; import winlogd.config.load") - modules_after(anyway)
    assert "winlogd.config.load" in more
    assert more & {"pathlib", "ipaddress", "difflib", "argparse", "urllib.parse"} == set()


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().server.port = 1  # type: ignore[misc]  # the test is that this is forbidden


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


def test_a_file_without_an_end_is_not_opened() -> None:
    with pytest.raises(ConfigError) as caught:
        load("/dev/zero", {})
    assert caught.value.faults == ("/dev/zero: is no configuration: it is a device; name a file",)


def test_a_file_that_is_not_utf8_is_refused_with_the_line(folder: Path) -> None:
    (folder / "config.toml").write_bytes("[server]\n# été\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    assert caught.value.faults == ("config.toml: is not UTF-8 text (at line 2); save it as UTF-8",)


def test_a_mistake_in_the_notation_is_told_with_line_and_column(folder: Path) -> None:
    assert faults_of(folder, "[server]\nport 3000\n") == [
        "is not valid TOML: Expected '=' after a key in a key/value pair (at line 2, column 6)"
    ]


A_TEXT = 'a text stands in quotes: {} = "..."'
A_LIST = 'a list stands in brackets and each text of it in quotes: {} = ["...", "..."]'
HALF = "a quote is missing: a text stands between two of them"
AN_ITEM = 'each text of a list stands in quotes: "..."'
A_FLAG = "write true or false, in small letters and without quotes"


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("host = 0.0.0.0", A_TEXT.format("host")),
        ("host = 192.168.1.100  # the LAN's", A_TEXT.format("host")),
        ("host = localhost", A_TEXT.format("host")),
        ("host = ::", A_TEXT.format("host")),
        ("path = /var/lib/winlogd/winlog.db", A_TEXT.format("path")),
        ("expected_user_agent = Winlog/", A_TEXT.format("expected_user_agent")),
        ("level = info", A_TEXT.format("level")),
        ("unknown = info", A_TEXT.format("unknown")),
        ('host = "0.0.0.0', HALF),
        ('host = 0.0.0.0"', HALF),
        ("host = '0.0.0.0", HALF),
        ('event_paths = ["/a, "/b"]', HALF),
        ("valid_actions = C, D", A_LIST.format("valid_actions")),
        ("valid_actions = [C, D]", A_LIST.format("valid_actions")),
        ("trusted_proxies = [10.0.0.0/8]", A_LIST.format("trusted_proxies")),
        ("trusted_proxies = [\n  10.0.0.0/8,\n]", AN_ITEM),
        ('trusted_proxies = [\n  "10.0.0.0/8,\n]', HALF),
        ("names = no", A_FLAG),
        ("names = True", A_FLAG),
    ],
)
def test_a_mistake_in_the_notation_is_told_with_what_is_probably_missing(folder: Path, line: str, hint: str) -> None:
    (fault,) = faults_of(folder, f"[server]\n{line}\n")
    assert fault.startswith("is not valid TOML: ")
    assert fault.endswith(f"; {hint}")


@pytest.mark.parametrize("line", ["port = 30x0", "port =", "[other", 'host = "\\d"', "event_timeout = 1,5"])
def test_nothing_is_hinted_at_where_quotes_would_not_help(folder: Path, line: str) -> None:
    (fault,) = faults_of(folder, f"[server]\n{line}\n")
    assert ";" not in fault


def test_a_hint_does_not_show_the_line_because_it_may_hold_a_secret(folder: Path) -> None:
    (fault,) = faults_of(folder, "[security]\ningest_token = Zk3-correct.horse_battery\n")
    assert fault.endswith('; a text stands in quotes: ingest_token = "..."')
    assert "Zk3" not in fault


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ('port = "3000"', "(without quotes)"),
        ('event_timeout = "25"', "(without quotes)"),
        ("host = 10.1", "(in quotes)"),
        ("timezone = true", "(in quotes)"),
        ("event_paths = 1", "%!$&'()*+,;=:@"),
    ],
)
def test_a_value_with_quotes_too_many_or_too_few_is_told_so(folder: Path, line: str, detail: str) -> None:
    (fault,) = faults_of(folder, f"[server]\n{line}\n")
    assert detail in fault or fault.endswith("-._~!$&'()*+,;=:@%")


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
