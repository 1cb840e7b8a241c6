"""The values that an option may have, the form in which they are kept, and the faults of all others."""

from pathlib import Path

import pytest

from tests.support.configured import faults_of, from_toml
from winlogd.config.sections import KINDS


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
        ("server.event_paths", '["/health", "/api/v1/sessions"]', ("/health", "/api/v1/sessions")),
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
        ("/a?b", '("/a?b" holds "?")'),
        ("events", '("events" does not begin with /)'),
    ],
)
def test_of_a_list_the_wrong_item_is_named(folder: Path, item: str, reason: str) -> None:
    (fault,) = faults_of(folder, f'[server]\nevent_paths = ["/good", "{item}"]')
    assert fault.endswith(reason)


@pytest.mark.parametrize(
    ("network", "written"), [("::ffff:10.1.0.0/112", "10.1.0.0/16"), ("::ffff:0:0/96", "0.0.0.0/0")]
)
def test_a_network_of_ipv4_in_the_form_of_ipv6_is_refused_with_how_to_write_it(
    folder: Path, network: str, written: str
) -> None:
    """Such peers are treated as IPv4 peers, so that this network would hold none of them."""
    (fault,) = faults_of(folder, f'[security]\ningest_networks = ["{network}"]')
    assert fault.endswith(f'("{network}" must be written as {written})')


def test_a_network_with_an_address_inside_is_refused_with_the_network_it_is_in(folder: Path) -> None:
    (fault,) = faults_of(folder, '[security]\ntrusted_proxies = ["10.0.0.7/24"]')
    assert fault.endswith('("10.0.0.7/24" is an address inside of 10.0.0.0/24)')
