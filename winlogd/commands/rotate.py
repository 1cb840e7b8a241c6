"""``winlogd rotate``: asks the running server, or does it itself when none is running."""

import os
import time
from collections.abc import Sequence
from typing import Final

import apsw

from winlogd.commands.flags import Parser
from winlogd.commands.terminal import fail, say, warn
from winlogd.config.load import load
from winlogd.config.sections import Config
from winlogd.control.address import path_of
from winlogd.control.client import ask
from winlogd.daemon.settings import settings_of
from winlogd.scheduled.clock import Schedule, zone_of
from winlogd.store.errors import LowSpaceError, OwnedError, ReplacedError, RowsLostError, UnusableError
from winlogd.store.file.ownership import Ownership
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.rotate import ALONE, Moved, Rotation
from winlogd.store.jobs.rotation_rules import rules

_PATIENCE_S: Final = 10.0

_DOES: Final = """\
Move the rows of finished days from events_today to events_history now. A running
server does it between the events that come; without one this command does it. A
session that is still open keeps its logon in events_today."""

_EXAMPLE: Final = """\
  sudo -u winlogd WINLOGD_DATABASE_PATH=/var/lib/winlogd/winlog.db \\
      winlogd rotate --config /etc/winlogd/config.toml
  prints how many rows were moved, and how many sessions stay open.
"""


def run(words: Sequence[str]) -> int:
    """Rotate the database of the configuration now; return the exit status.

    Raises:
        ConfigError: the configuration has mistakes.
        HelpAskedError, MisusedError: see `Parser`.
    """
    config = load(Parser("rotate", _DOES, _EXAMPLE).config_file(list(words)), os.environ)
    path = os.path.realpath(config.database.path)
    try:
        os.stat(path)
    except FileNotFoundError:
        return fail(f"{path} does not exist: nothing to rotate")
    except OSError as error:
        return fail(f"{path} cannot be looked at: {_reason(error)}")
    try:
        outcome, sentence = ask(path_of(path), "rotate", _PATIENCE_S, _tell_slow)
    except (FileNotFoundError, ConnectionRefusedError):
        return _rotate_alone(config, path)
    except OSError as error:
        return fail(f"the running winlogd cannot be asked: {_reason(error)}")
    return say(sentence) if outcome == "ok" else fail(sentence)


def _rotate_alone(config: Config, path: str) -> int:
    """Without a server: takes the ownership of the database for as long as it takes."""
    try:
        ownership = Ownership(path)
    except OwnedError as error:
        return fail(f"{error}, and it has no control socket that answers; try again, or look into its log")
    except OSError as error:
        return fail(f"the database's folder cannot be used: {error.strerror}: {error.filename}")
    try:
        return say(_rotated(config, ownership.path).sentence)
    except (UnusableError, ReplacedError, LowSpaceError, RowsLostError, apsw.Error) as error:
        return fail(f"the rotation could not go on, and what is left stays in events_today: {error}")
    finally:
        ownership.release()


def _rotated(config: Config, path: str) -> Moved:
    now_s = time.time()
    calendar = Schedule("00:00", zone_of(config.server.timezone))
    finished = rules(now_s, calendar.midnight_s(now_s), config.rotation.keep_open_hours)
    return run_alone(Rotation(finished, None, ALONE), settings_of(config, path))


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{reason}; run this as the user that winlogd runs as" if isinstance(error, PermissionError) else reason


def _tell_slow() -> None:
    warn(
        "the running winlogd is at it. Many rows take minutes; if it waits for a lock or for space, "
        "its log says so. It goes on when you end this command."
    )
