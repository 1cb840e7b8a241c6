"""Check the configuration: mistakes, what is allowed but will hurt, and patterns that match no machine.

This file must not know the options: `winlogd.config` finds the mistakes in them.
"""

from collections.abc import Iterator

from winlogd.commands.check_config import ThisMachine, faults_of
from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine
from winlogd.config.load import ConfigError
from winlogd.config.warnings import warnings_of, warnings_of_machine
from winlogd.daemon.site import idle_patterns
from winlogd.store.read.hosts import known_hosts


def mistakes(error: ConfigError) -> list[Finding]:
    """Return the faults of a configuration that cannot be used."""
    return [_mistake(fault) for fault in error.faults]


def check(context: Context) -> Iterator[Finding]:
    """Find what is wrong with the configuration."""
    faults = faults_of(context.config)
    yield from map(_mistake, faults)
    for warning in warnings_of_machine(context.config, ThisMachine()):
        yield Finding("fault", warning, "the server will not start with it", "change the option, as the line says")
    for warning in warnings_of(context.config):
        yield Finding("note", warning, "it is allowed, and will hurt", "change the option, as the line says")
    if not faults:
        yield fine(f"{context.config.source or 'the default configuration'} has no mistake")


def check_patterns(context: Context) -> Iterator[Finding]:
    """Find patterns of `[rooms]` and `[sessions]` that match no machine of the database."""
    idle = idle_patterns(context.config, known_hosts(context.path))
    for warning in idle:
        yield Finding("note", warning, "the option does nothing yet", "correct the pattern, or wait for the machine")
    if not idle:
        yield fine("each pattern matches a machine, or there is no machine yet")


def _mistake(fault: str) -> Finding:
    return Finding(
        "fault",
        fault,
        "the server does not start with it; a running one keeps the options that it had",
        "correct it, then run winlogd check-config and reload or restart",
    )
