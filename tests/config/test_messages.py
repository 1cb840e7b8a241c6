"""Faults in the configuration are reported all at once, in printable lines, with the name that was probably meant."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.configured import SECTION_LIST, faults_of
from winlogd.config.kinds import Kind, NotAllowedError
from winlogd.config.load import ConfigError, load
from winlogd.config.messages import wrong_value
from winlogd.config.sections import KINDS, environment_name


def test_faults_begin_with_the_name_of_the_file_as_it_was_given(folder: Path) -> None:
    (folder / "site\n.toml").write_text("[server]\nport = 70000")
    with pytest.raises(ConfigError) as caught:
        load("site\n.toml", {})
    assert caught.value.faults == ("site\\n.toml: server.port = 70000: must be a whole number from 0 to 65535",)


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


# Unknown names


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


def test_a_burst_without_a_rate_is_refused_because_it_would_limit_nothing(folder: Path) -> None:
    (fault,) = refusals(None, WINLOGD_LIMITS_EVENTS_BURST="10")
    assert fault.startswith("limits.events_burst: does nothing while limits.events_per_second is 0")
    assert refusals(None, WINLOGD_LIMITS_EVENTS_BURST="10", WINLOGD_LIMITS_EVENTS_PER_SECOND="1") == ()


# Any value from outside


TOML_VALUES = st.recursive(
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.dates(), st.datetimes(), st.times()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def refusal(kind: Kind[object], value: object) -> str:
    """Return the detail with which a kind refuses a value; empty if it accepts the value."""
    try:
        kind.check(value)
    except NotAllowedError as error:
        return error.detail
    return ""


def refusals(path: str | None, **environ: str) -> tuple[str, ...]:
    """Return all faults; none if the configuration can be used."""
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
@example(option=("server", "tls_port"), text="1")  # needs two other options
def test_whatever_a_variable_says_there_is_at_most_one_line_about_an_option(
    folder: Path, option: tuple[str, str], text: str
) -> None:
    faults = refusals(None, **{environment_name(*option): text})
    options = [fault.split(maxsplit=1)[0].rstrip(":") for fault in faults]
    assert len(options) == len(set(options))
    assert all(fault.isprintable() and len(fault) < 400 for fault in faults)


@given(st.text() | st.text(alphabet='[]=."\n{},ab1'))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the file is written anew each time
def test_whatever_a_file_says_its_faults_are_printable_lines(folder: Path, text: str) -> None:
    file = folder / "any.toml"
    file.write_text(text, encoding="utf-8")
    assert all(fault.isprintable() for fault in refusals(str(file)))
