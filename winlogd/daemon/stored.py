"""What a database's files tell of the state of a site, as the fields of ``winlogd status``. It names nobody.

The running server and a command without a server both ask this. It reads, and takes as long as a disk takes: not for
the event loop. This file must not know who asks.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from winlogd.api.session_fields import local_text
from winlogd.config.sections import Config, Retention
from winlogd.scheduled.clock import Schedule, zone_of
from winlogd.sessions.session import US
from winlogd.store.backup.files import names_of
from winlogd.store.file.marks import ROTATED_DAY, read_marks, retained_s
from winlogd.store.past.kept import kept_text
from winlogd.store.read.activity import find_activity, find_open
from winlogd.store.sizes import sizes_of

if TYPE_CHECKING:  # types only
    from datetime import tzinfo

    from winlogd.store.read.access import Access
    from winlogd.store.read.filters import Site

Fields = Mapping[str, object]

_DEFAULT_DAYS: Final = Retention().history_days


def stored(config: Config, site: "Site", path: str, now_us: int) -> "Callable[[Access], Fields]":
    """Return the question for what is in the database at `path`, a real path.

    Args:
        config: the configuration in force.
        site: what is known of the site.
        path: the database.
        now_us: the wall clock, in microseconds since 1970.
    """
    zone = site.zone
    midnight_us = int(Schedule("00:00", zone).midnight_s(now_us / US)) * US

    def find(access: "Access") -> Fields:
        activity, now = find_activity(access, midnight_us, now_us + 1), find_open(access, site, now_us)
        with access.snapshot() as connection:
            marks = read_marks(connection)
            history = access.history()
        return {
            "sessions": {
                "open": now.sessions,
                "doubtful": now.doubtful,
                "oldest_since": local_text(now.oldest_us, zone),
            },
            "today": {"since": local_text(midnight_us, zone), **activity._asdict()},
            "rotation": {"rotated_day": marks.get(ROTATED_DAY), "next": _next_rotation(config, zone, now_us)},
            "retention": {
                "archive": kept_text(marks, _DEFAULT_DAYS),
                "history_days": config.retention.history_days,
                "last_run": _retained_at(marks, zone),
            },
            "history": history,
        }

    return find


def _retained_at(marks: Mapping[str, str], zone: "tzinfo | None") -> str | None:
    """Return when the last deletion by age has ended; None if there was none."""
    seconds = retained_s(marks)
    return None if seconds is None else local_text(int(seconds) * US, zone)


def _next_rotation(config: Config, zone: "tzinfo | None", now_us: int) -> str | None:
    """Return when the next rotation by the clock is due; None if there is none."""
    if not config.rotation.at:
        return None
    return local_text(int(Schedule(config.rotation.at, zone).following(now_us / US).at_s) * US, zone)


def beside(config: Config, path: str, now_us: int) -> Fields:
    """Return the sizes of the files at and beside the database at `path`, and the last backup.

    What cannot be looked at is missing, and the field `fault` says why.
    """
    fields: dict[str, object] = {}
    faults = []
    try:
        sizes = sizes_of(path)._asdict()
        fields["files"] = {"database": path, **{f"{name}_bytes": size for name, size in sizes.items()}}
    except OSError as error:
        faults.append(f"the database's folder cannot be looked at: {error.strerror}")
    try:
        fields["backup"] = _last_backup(config, path, now_us)
    except OSError as error:
        faults.append(f"the folder of the backups cannot be looked at: {error.strerror}")
    return {**fields, "fault": "; ".join(faults) or None}


def _last_backup(config: Config, path: str, now_us: int) -> Fields | None:
    last = names_of(config.backup.folder, path).last(now_us / US)
    if last is None:
        return None
    made_at = local_text(int(last.made_s) * US, zone_of(config.server.timezone))
    return {"file": last.path, "made_at": made_at, "age_seconds": max(now_us // US - int(last.made_s), 0)}
