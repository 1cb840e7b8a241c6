"""Warn of values that are allowed and do harm: one line for each, in the form of a fault.

The start loads this only if an option differs from its default (`may_hurt` in `load`). This file must not know where
the values came from. It learns about the machine through `Machine`.
"""

from typing import Final, Protocol

from winlogd.config.list_kinds import EVERYWHERE
from winlogd.config.messages import shown, shown_name
from winlogd.config.sections import Config, Rooms, Security

CLIENTS_TIMEOUT_S: Final = 30
"""How long the existing clients wait for an answer, unless `WINLOG_TIMEOUT` is set."""

CLIENTS_USER_AGENT: Final = "Winlog/0.1.0"
"""The User-Agent of the existing clients, unless `WINLOG_USER_AGENT` is set."""


class Machine(Protocol):
    """The warnings' questions about the machine."""

    def kind_of(self, path: str) -> str:
        """Return what is at `path`: "a folder", "a device"; empty for a regular file, or if nothing is there."""

    def cannot_listen(self, host: str) -> str:
        """Return why winlogd cannot listen at `host`; empty if it can."""


def warnings_of(config: Config) -> tuple[str, ...]:
    """Return the warnings that follow from the values alone."""
    found = (_user_agent(config.security), _event_timeout(config), _rate_delay(config), _sessions(config.security),
             _senders(config.security), _readers(config.security), _journal(config))  # fmt: skip
    return (
        *(warning for warning in found if warning),
        *_readers_of_this_machine(config.security),
        *_aliases(config.rooms),
    )


def warnings_of_machine(config: Config, machine: Machine) -> tuple[str, ...]:
    """Return the warnings that the start will fail on this machine."""
    path, host = config.database.path, config.server.host
    kind, reason = machine.kind_of(path), machine.cannot_listen(host)
    warnings = []
    if kind:
        example = f"{path}/winlog.db" if kind == "a folder" else "/var/lib/winlogd/winlog.db"
        warnings.append(
            f"database.path = {shown(path)}: is {kind}, and winlogd will not start with it; "
            f"name a file, such as {shown(example)}"
        )
    if reason:
        warnings.append(
            f"server.host = {shown(host)}: this machine cannot listen there ({reason}), and winlogd will not start; "
            f'give an address of this machine, or "0.0.0.0" for all'
        )
    return tuple(warnings)


def _user_agent(security: Security) -> str:
    expected = security.expected_user_agent
    option = f"security.expected_user_agent = {shown(expected)}"
    if "*" in expected:
        meant = expected.partition("*")[0]
        return (
            f"{option}: * stands for itself, so that no client matches and every event is refused with 403; "
            f"the beginning of the header is enough: {shown(meant)}"
        )
    if not expected.isascii():
        return f"{option}: clients send such letters as UTF-8, and a header is read as Latin-1; use ASCII letters alone"
    sent = f"{CLIENTS_USER_AGENT} {security.ingest_token}".rstrip()
    if not sent.startswith(expected) and _letters(sent).startswith(_letters(expected)):
        return (
            f"{option}: letter case, spaces and signs count, and clients send {shown(CLIENTS_USER_AGENT)}, "
            f"which is then refused with 403; write that, or a beginning of it"
        )
    return ""


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _event_timeout(config: Config) -> str:
    timeout_s = config.server.event_timeout
    if timeout_s < CLIENTS_TIMEOUT_S:
        return ""
    return (
        f"server.event_timeout = {timeout_s:g}: the clients give up after {CLIENTS_TIMEOUT_S} s and get no answer; "
        f"keep it below, 25 is usual (unless you raised WINLOG_TIMEOUT on all of them)"
    )


def _rate_delay(config: Config) -> str:
    limits = config.limits
    if not limits.events_per_second or limits.rate_delay < CLIENTS_TIMEOUT_S:
        return ""
    return (
        f"limits.rate_delay = {limits.rate_delay:g}: the clients give up after {CLIENTS_TIMEOUT_S} s and send the "
        f"event again, which makes the rate higher; keep it well below, 5 is usual"
    )


def _sessions(security: Security) -> str:
    missing = [name for action, name in (("C", "logons"), ("D", "logoffs")) if action not in security.valid_actions]
    if not missing:
        return ""
    return (
        f"security.valid_actions = {shown(list(security.valid_actions))}: {' and '.join(missing)} are refused with 400 "
        f"and lost, and there are no sessions without them; add them"
    )


def _senders(security: Security) -> str:
    if security.ingest_networks:
        return ""
    return (
        "security.ingest_networks = []: nobody may send events, and each is refused with 403; name the networks of "
        f"the workstations, or leave it out for {shown(list(EVERYWHERE))}"
    )


def _readers(security: Security) -> str:
    if not _holds_everybody(security.read_networks):
        return ""
    return (
        f"security.read_networks = {shown(list(security.read_networks))}: everybody who reaches the port can ask who "
        f"is where; name the networks of those who may"
    )


def _holds_everybody(networks: tuple[str, ...]) -> bool:
    """Return True if the networks together hold every IPv4 or every IPv6 address."""
    from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network  # few sites have such networks

    parsed = [ip_network(each) for each in networks]
    older = collapse_addresses(each for each in parsed if isinstance(each, IPv4Network))
    newer = collapse_addresses(each for each in parsed if isinstance(each, IPv6Network))
    return any(each.prefixlen == 0 for each in older) or any(each.prefixlen == 0 for each in newer)


def _readers_of_this_machine(security: Security) -> list[str]:
    return [
        f"security.read_networks: {shown(network)} has no effect, because security.local_reads decides for this "
        f"machine; leave it out"
        for network in security.read_networks
        if network.startswith("127.") or network == "::1/128"
    ]


def _aliases(rooms: Rooms) -> list[str]:
    """Return a warning for each alias of a room that does not exist. Machines and the list may have more rooms."""
    if rooms.from_hostname or rooms.rooms_file:
        return []
    known = {name.casefold() for name, _ in (*rooms.patterns, *rooms.aliases)}
    return [
        f"rooms.aliases.{shown_name(old)} = {shown(new)}: there is no such room in [rooms]; "
        f"add its patterns, or correct the name"
        for old, new in rooms.aliases
        if new.casefold() not in known
    ]


def _journal(config: Config) -> str:
    mode, synchronous = config.database.pragma_journal_mode, config.database.pragma_synchronous
    if mode == "WAL" or synchronous != "NORMAL":
        return ""
    return (
        f'database.pragma_synchronous = "NORMAL": with pragma_journal_mode = {shown(mode)} a power cut can damage the '
        f'database; use "FULL", or the journal mode "WAL"'
    )
