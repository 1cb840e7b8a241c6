"""The checks, in the order in which they run, and their names. This file must not know what a check looks for."""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from winlogd.commands.checks import (
    archive,
    backups,
    certificate,
    clocks,
    configuration,
    disk,
    growth,
    logoffs,
    machines,
    owners,
    readers,
    refusals,
    retention,
    rotation,
    server,
    shown_certificate,
    versions,
)
from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding
from winlogd.commands.checks.looked import Looked


class Check(NamedTuple):
    """A check that asks the system or the server."""

    name: str
    run: Callable[[Context], Iterable[Finding]]


class DatabaseCheck(NamedTuple):
    """A check that judges what the database says."""

    name: str
    run: Callable[[Context, Looked], Iterable[Finding]]


CONFIGURATION: Final = "configuration"
DATABASE: Final = "database"
"""The names of the findings that keep other checks from running."""

FIRST: Final = (
    Check(CONFIGURATION, configuration.check),
    Check("owners", owners.check),
    Check("certificate", certificate.check),
    Check("certificate shown", shown_certificate.check),
    Check("versions", versions.check),
)
"""These run as the user who has started the command: root can read all files."""

AS_OWNER: Final = (
    Check("server", server.check),
    Check("refusals", refusals.check),
    Check("readers", readers.check),
    Check("free space", disk.check_space),
    Check("disk speed", disk.check_speed),
    Check("backup", backups.check),
    Check("patterns", configuration.check_patterns),
)
"""These run as the owner of the database, because they use files in its folder."""

IN_DATABASE: Final = (
    DatabaseCheck("archive", archive.check),
    DatabaseCheck("growth", growth.check),
    DatabaseCheck("rotation", rotation.check),
    DatabaseCheck("retention", retention.check),
    DatabaseCheck("events", machines.check_arrivals),
    DatabaseCheck("machines", machines.check),
    DatabaseCheck("clocks", clocks.check),
    DatabaseCheck("logoffs", logoffs.check),
)
