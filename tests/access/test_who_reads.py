"""The table of docs/access.md and that of ``winlogd check-config`` say what the rules say, row by row."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.docs.pages import TEXTS
from winlogd.access.scopes import ALL, NETWORK, PAGES, RULES, SCOPES
from winlogd.api import routes
from winlogd.commands.who_reads import table_of, who_reads
from winlogd.config.sections import Config, Security, Server

Table = Mapping[str, str]
"""What is read, by those who read it."""

NETWORKS: Final = "security.read_networks, without a token"
THIS_MACHINE: Final = "this machine, without a token"
EVERYBODY: Final = {routes.HEALTH, routes.READY, routes.LOGIN, routes.LOGOUT, routes.FILES}
OPEN: Final = Config(security=Security(read_networks=("192.0.2.0/24",)))


def in_the_docs() -> Table:
    section = TEXTS["docs/access.md"].split("## Who may read what\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.replace("`", "").splitlines() if line.startswith("|")]
    return {who.strip(): reads.strip() for who, reads in rows[2:]}


def of_check_config(config: Config = OPEN) -> Table:
    return {who.partition(": ")[0]: reads for who, reads in who_reads(config)}


TABLES: Final = {"the docs": in_the_docs(), "check-config": of_check_config()}


def paths_of(table: Table, who: str) -> set[str]:
    """Return the paths that somebody reads, with those of the rows that the row names, such as ``as wall``."""
    reads = table[who]
    paths = set(re.findall(r"(?<![\w}])/(?:[a-z][a-z0-9/._{}-]*[a-z}])?", reads))
    named = re.match(r"as (?:scope )?(\w+)(?: and (\w+))?", reads)
    for scope in () if named is None else filter(None, named.groups()):
        paths |= paths_of(table, f"scope {scope}")
    if who.startswith("scope "):
        paths |= paths_of(table, "every scope")
    return paths


def expected(scope: str) -> set[str]:
    """Return what the rules let a scope read."""
    known = {routes.CURRENT, routes.OPENAPI, routes.METRICS, *routes.QUESTIONS, *routes.FOLLOWING}
    pages = {path for path, scopes in PAGES.items() if scope in scopes}
    return pages | {path for path, rule in RULES.items() if scope in rule.scopes and path in known}


def differences(table: Table) -> Iterator[str]:
    """Yield each row of a table that differs from the rules."""
    rules = {f"scope {scope}": expected(scope) for scope in SCOPES}
    rules |= {"everybody": EVERYBODY, NETWORKS: expected(NETWORK), THIS_MACHINE: expected(ALL)}
    yield from (who for who, paths in rules.items() if paths_of(table, who) != paths)
    yield from table.keys() - rules.keys() - OTHERS


OTHERS: Final = {
    "every scope",
    "a token over plain HTTP, from elsewhere",
    "who asks for another Host than an IP address, localhost or one of security.names",
    f"who asks for another Host than an IP address, localhost, {os.uname().nodename.lower()}",
}
"""The rows that no rule of a path is about."""


@pytest.mark.parametrize("name", TABLES)
def test_each_row_says_what_the_rules_say(name: str) -> None:
    assert list(differences(TABLES[name])) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_lacks_a_path_or_has_one_too_many_is_found(name: str) -> None:
    table = TABLES[name]
    for who, reads in table.items():
        for path in paths_of({**table, "every scope": ""}, who) if who not in OTHERS else ():
            changed = re.sub(rf"(?<![\w}}]){re.escape(path)}(?![\w/{{])", "that", reads)
            if changed != reads:
                assert who in differences({**table, who: changed}), (who, path)
        if who not in OTHERS:
            assert who in differences({**table, who: f"{reads}, /api/v1/other"})
    assert list(differences({**table, "scope everything": "/health"})) == ["scope everything"]


def test_both_tables_have_the_same_rows_in_the_same_order() -> None:
    rows = [list(table) for table in TABLES.values()]
    beginnings = [[who.split(" than ")[0] for who in each] for each in rows]
    assert beginnings[0] == beginnings[1]


@pytest.mark.parametrize(
    ("config", "who", "reads"),
    [
        (Config(), NETWORKS, "nothing more: it is empty"),
        (OPEN, NETWORKS, "/api/v1/sessions/current, and nothing else"),
        (Config(), THIS_MACHINE, "as scope all, until the first reader is added"),
        (
            Config(security=Security(local_reads=False)),
            THIS_MACHINE,
            "nothing more: security.local_reads is false",
        ),
        (
            Config(),
            "a token over plain HTTP, from elsewhere",
            "nothing more: set server.tls_port, or let one of security.trusted_proxies speak HTTPS",
        ),
        (
            Config(server=Server(tls_port=3443)),
            "a token over plain HTTP, from elsewhere",
            "nothing more: HTTPS is at server.tls_port = 3443",
        ),
        (
            Config(security=Security(plain_login=True)),
            "a token over plain HTTP, from elsewhere",
            "as over HTTPS: security.plain_login is true. Who can listen on the network learns the token",
        ),
        (
            Config(security=Security(names=("winlog.example.org", "winlog"))),
            "who asks for another Host than an IP address, localhost, winlog.example.org, winlog",
            "nothing more",
        ),
    ],
)
def test_a_row_has_the_values_of_the_configuration(config: Config, who: str, reads: str) -> None:
    assert of_check_config(config)[who] == reads


def test_the_open_networks_are_listed_and_long_cells_take_some_lines() -> None:
    networks = tuple(f"192.0.2.{number}/32" for number in range(20))
    text = table_of(Config(security=Security(read_networks=networks)))
    assert all(network in text for network in networks)
    assert max(map(len, text.splitlines())) <= 120
    lines = text.splitlines()
    assert [line[42:] for line in lines if line.startswith("security.read_networks")] == [
        "/api/v1/sessions/current, and nothing else"
    ]
