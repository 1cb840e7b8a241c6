"""Rotate a database that no server uses, and delete what is too old.

The caller owns the database. This file loads SQLite; therefore it is imported only if no server is running.
It must not know the control socket.
"""

import time

import apsw

from winlogd.commands.retention_alone import delete_old
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.settings import settings_of
from winlogd.scheduled.clock import Schedule, zone_of
from winlogd.store.errors import LowSpaceError, ReplacedError, RowsLostError, UnusableError
from winlogd.store.file.marks import read_marks
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.look import Look
from winlogd.store.jobs.rotate import Rotation
from winlogd.store.jobs.rotation_rules import rules
from winlogd.store.jobs.steps import ALONE
from winlogd.store.read.once import read_once


def rotated(config: Config, path: str) -> str:
    """Rotate the database at `path`, a real path, and delete what is too old. Return a sentence about what was done.

    Raises:
        FailedError: the rotation failed before it had moved every row, or what is too old is left.
    """
    now_s = time.time()
    zone = zone_of(config.server.timezone)
    calendar = Schedule("00:00", zone)
    day = Schedule(config.rotation.at or "00:00", zone).last(now_s).day
    finished = rules(now_s, calendar.midnight_s(now_s), config.rotation.keep_open_hours)
    settings = settings_of(config, path)
    try:
        run_alone(Look(), settings)  # upgrades an older file, in which nobody could read marks
        marks = read_once(settings, read_marks)
        moved = run_alone(Rotation(finished, day, ALONE), settings).sentence
    except (UnusableError, ReplacedError, LowSpaceError, RowsLostError, OSError, apsw.Error) as error:
        sentence = f"the rotation could not go on, and what is left stays in events_today: {error}"
        raise FailedError(sentence) from None
    deleted = delete_old(config, path, marks)
    return f"{moved}; old events deleted: {deleted}" if deleted else moved
