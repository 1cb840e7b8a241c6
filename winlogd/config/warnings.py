"""Warn of values that are allowed and do harm: one line for each, in the form of a fault.

The start loads this only if an option differs from its default (`may_hurt` in `load`). This file must not know where
the values came from. It learns about the machine through `Machine`.
"""

from typing import Final, Protocol

from winlogd.config.list_kinds import EVERYWHERE
from winlogd.config.messages import shown
from winlogd.config.sections import Config, Security

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
             _senders(config.security), _journal(config))  # fmt: skip
    return tuple(warning for warning in found if warning)


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


def _journal(config: Config) -> str:
    mode, synchronous = config.database.pragma_journal_mode, config.database.pragma_synchronous
    if mode == "WAL" or synchronous != "NORMAL":
        return ""
    return (
        f'database.pragma_synchronous = "NORMAL": with pragma_journal_mode = {shown(mode)} a power cut can damage the '
        f'database; use "FULL", or the journal mode "WAL"'
    )
