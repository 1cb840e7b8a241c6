"""``winlogd backup``: let the running server copy the database, or copy it here if no server is running.

This file must not know how a file is copied.
"""

import os
from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any, Final

from winlogd.commands.flags import Parser
from winlogd.commands.placing import Placer
from winlogd.commands.remote import Fields, answer_to
from winlogd.commands.terminal import FailedError, MisusedError, say
from winlogd.config.load import load
from winlogd.config.messages import escaped
from winlogd.config.sections import Config
from winlogd.control.client import OTHER_VERSION
from winlogd.store.access_file.tables import access_path

_USAGE: Final = "winlogd backup [FILE] [--keep N] [--config FILE]"

_DOES: Final = """\
Copy the database and the readers' file. The copies are checked, complete, on the
disk, and readable by their owner only. The backup has every event that was
acknowledged before it began. A running server does it between the events that come;
without one this command does it. Without FILE the backup goes into [backup] folder,
and its name has the date and the time in UTC. With FILE it goes there, as a file of
the user who runs this, and the readers' file beside it with the ending .access.
An existing file is never replaced."""

_EXAMPLE: Final = """\
  sudo winlogd backup --keep 14 --config /etc/winlogd/config.toml
  makes /var/lib/winlogd/backups/winlog-20260113T083000Z.db, and then removes all
  backups there but the last 14.
"""


def run(words: Sequence[str]) -> int:
    """Back up the database of the configuration. Return the exit status.

    Args:
        words: the command line after ``backup``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: there is no backup.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("backup", _DOES, _EXAMPLE, _USAGE)
    parser.add_argument("file", nargs="?", metavar="FILE", help=SUPPRESS)
    parser.add_argument("--keep", metavar="N", help="then remove all backups in [backup] folder but the last N")
    flags = parser.parse_args(list(words))
    keep = _keep(flags.keep, flags.file, parser)
    config = load(flags.config, os.environ)
    if flags.file is None:
        answer = _made(config, keep)
        return say(f"{answer['file']} is {answer['sentence']}")
    return _to(config, os.path.join(os.getcwd(), flags.file))


def _keep(text: str | None, file: str | None, parser: Parser) -> int | None:
    """Return the number of ``--keep``; None without it."""
    if text is None:
        return None
    if file is not None:
        raise MisusedError("--keep removes backups in [backup] folder, and goes without FILE", parser.format_usage())
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= 1):
        raise MisusedError(escaped(f"--keep must be a whole number from 1, not {text}"), parser.format_usage())
    return int(text)


def _to(config: Config, target: str) -> int:
    """Make a backup in the folder, and move it to `target`. If this is cut short, it stays in the folder."""
    access_target = access_path(target)
    for path in (target, access_target):
        if os.path.lexists(path):
            raise FailedError(f"{path} exists already, and is not replaced")
    if not os.path.isdir(os.path.dirname(target)):
        raise FailedError(f"{os.path.dirname(target)} is no folder, or cannot be looked at; nothing was backed up")
    placer = Placer()
    try:
        answer = _made(config, None)
        try:
            if answer["access"] is not None:  # the database comes last: where it is, the backup is whole
                placer.place(answer["access"], access_target)
            placer.place(answer["file"], target)
        except FailedError as error:
            raise FailedError(f"{error}; the backup stays at {answer['file']}") from None
    finally:
        placer.close()
    for path in (answer["file"], answer["access"]):
        _remove(path)
    return say(f"{target} is {answer['sentence']}")


def _made(config: Config, keep: int | None) -> dict[str, Any]:
    answer = answer_to(config, {"order": "backup", "keep": keep}, _alone(keep), "to back up")
    match answer:
        case {"sentence": str(), "file": str(), "access": str() | None}:
            return dict(answer)
    raise FailedError(OTHER_VERSION)


def _alone(keep: int | None) -> Any:  # noqa: ANN401  # what `answer_to` takes
    def alone(config: Config, path: str) -> Fields:
        from winlogd.commands.backup_alone import backed_up  # a command that asks the server does not load SQLite

        return backed_up(config, path, keep)

    return alone


def _remove(path: str | None) -> None:
    """Remove a file of the folder that is in its place now."""
    if path is None:
        return
    try:
        os.unlink(path)
    except OSError as error:
        raise FailedError(f"the backup is complete, but {path} cannot be removed: {error.strerror}") from None
