"""Check the versions of the packages that winlogd needs, and of SQLite, against the bounds in its own metadata."""

import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final, NamedTuple

import apsw

from winlogd import VERSION
from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9_-]+)>=([0-9.]+)")
"""A requirement without a marker. Those of the extras have one."""
_SQLITE: Final = "SQLite"


class Bound(NamedTuple):
    """The lowest version of a package that winlogd works with."""

    package: str
    lowest: str


def check(context: Context) -> Iterator[Finding]:
    """Find packages that are older than winlogd needs."""
    try:
        wanted = bounds(requires("winlogd") or [])
        found = {each.package: version(each.package) for each in wanted if each.package != _SQLITE}
    except PackageNotFoundError as error:
        yield unseen("the lowest versions", f"{error.name} is not installed as a package", "install winlogd with pip")
        return
    found[_SQLITE] = apsw.sqlite_lib_version()
    faults = [*too_old(wanted, found)]
    yield from faults
    if not faults:
        python = ".".join(map(str, sys.version_info[:3]))
        shown = ", ".join(f"{name} {number}" for name, number in found.items())
        yield fine(f"winlogd {VERSION}, Python {python}, {shown}")


def bounds(requirements: Sequence[str]) -> list[Bound]:
    """Return the bounds in the requirements of a package. apsw has the version of the SQLite that it is made for."""
    matches = [match for line in requirements if (match := _REQUIREMENT.fullmatch(line.replace(" ", "")))]
    found = [Bound(match[1].lower(), match[2]) for match in matches]
    return found + [Bound(_SQLITE, each.lowest) for each in found if each.package == "apsw"]


def too_old(wanted: Sequence[Bound], found: dict[str, str]) -> Iterator[Finding]:
    """Yield a fault for each package that is older than its bound."""
    for package, lowest in wanted:
        if package in found and _parts(found[package]) < _parts(lowest):
            is_sqlite = package == _SQLITE
            yield Finding(
                "fault",
                f"{package} is {found[package]}, and winlogd needs {lowest} or newer",
                "its WAL can be damaged when two programs use the database"
                if is_sqlite
                else "winlogd is not tested with it, and may fail",
                f"install {'apsw' if is_sqlite else package} {lowest} or newer where winlogd is installed, and restart",
            )


def _parts(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", text)]
