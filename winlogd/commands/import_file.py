"""``winlogd import FILE``: bring the rows of an older server's file into the archive.

The command checks the rows and puts them into a staging file beside the database. The running server takes them from
there, or this process if no server is running. This file must not know how the rows are stored.
"""

import os
import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winlogd.commands.database import database_of, reason_of
from winlogd.commands.flags import Parser
from winlogd.commands.giving_way import give_way
from winlogd.commands.remote import answer_to
from winlogd.commands.terminal import FailedError, ask_first, say, warn
from winlogd.config.load import load
from winlogd.config.sections import Config

if TYPE_CHECKING:  # types only
    from winlogd.commands.import_staging import SourceFiles, Staged

_DOES: Final = """\
Import the events of an older server into events_history. FILE is its database, with
the tables events_today and events_history or the one table events, or a CSV with
the same columns. Stop the older server first. Rows that are already here are left
out, so that you can repeat the command. Faulty rows are reported and left out. If
some are older than retention.history_days, the command asks first: the next rotation
would delete them. A running server does it between the events that come. Root does
it as the owner of the database's folder."""

_EXAMPLE: Final = """\
  sudo winlogd import /srv/old/winlog.db --config /etc/winlogd/config.toml
  prints how many rows were imported, how many were known before, and how many are
  faulty.
"""


def run(words: Sequence[str]) -> int:
    """Import a file. Return the exit status.

    Args:
        words: the command line after ``import``.

    Raises:
        ConfigError: the configuration has mistakes.
        FailedError: the file was not imported, or not to its end.
        HelpAskedError, MisusedError: see `Parser`.
    """
    parser = Parser("import", _DOES, _EXAMPLE)
    parser.add_argument("file", metavar="FILE", help="the older server's database, or a CSV")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args(words)
    config = load(options.config, os.environ)
    from winlogd.commands.import_staging import SourceFiles  # loads SQLite

    try:
        source = SourceFiles(options.file)  # before root becomes the owner of the database's folder
    except OSError as error:
        raise FailedError(f"{options.file} cannot be read: {error.strerror or error}") from None
    try:
        return say(_imported(config, source, options.yes, shlex.join(["import", *words])))
    finally:
        source.close()


def _imported(config: Config, source: "SourceFiles", says_yes: bool, line: str) -> str:
    """Import an open file. Return a sentence that says what was done."""
    from winlogd.commands.import_staging import stage

    path = database_of(config, "start the server once, which makes it; there is nothing to import into yet")
    give_way(config)
    try:
        staged = stage(config, path, source, _kept_since_us(config, path, line))
    except OSError as error:
        raise FailedError(f"the database's folder cannot be used: {reason_of(error)}") from None
    try:
        if staged.too_old:
            warn(_too_old(staged, config.retention.history_days))
            ask_first("Import them nevertheless?", says_yes)
        sentence = _carried_out(config, staged) if staged.rows else "no row was imported"
    except FailedError:
        staged.remove()
        raise
    staged.let_go()
    return f"{sentence}; rows that came twice: {staged.doubled}, faulty: {staged.faulty}"


def _too_old(staged: "Staged", days: int) -> str:
    return (
        f"{staged.too_old} of {staged.rows} rows are older than retention.history_days = {days}: the next rotation"
        " deletes them, unless a hold exempts them; to keep them, raise the option first"
    )


def _kept_since_us(config: Config, path: str, line: str) -> int | None:
    """Return the moment before which the next rotation deletes what is imported; None if it deletes nothing."""
    from winlogd.commands.reader import read_from
    from winlogd.daemon.keeping import kept_since_us
    from winlogd.store.file.marks import TAKEN_OVER, read_marks

    try:
        is_taken_over = TAKEN_OVER in read_from(config, path, line, read_marks)
    except FailedError:  # no server has upgraded it yet: it will be taken over
        is_taken_over = True
    return kept_since_us(config, is_taken_over, time.time())


def _carried_out(config: Config, staged: "Staged") -> str:
    order = {"order": "import", "staging": staged.digits}
    done = answer_to(config, order, lambda config, path: {"sentence": _alone(config, path, staged)}, "to import into")
    return str(done.get("sentence"))


def _alone(config: Config, path: str, staged: "Staged") -> str:
    from winlogd.commands.import_alone import taken_over

    return taken_over(config, path, staged.digits)
