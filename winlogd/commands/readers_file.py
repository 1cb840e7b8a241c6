"""Ask `winlog.access` for something: through the running server, or by owning the database if no server is running.

Also write the looks of commands: one that shows people or the past calls `note_look` first. This file must not know
what a command shows.
"""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from winlogd.commands.database import database_of, owner_of, to_become
from winlogd.commands.remote import Fields, ServerGoneError, answer_to, by_the_server
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config

if TYPE_CHECKING:  # types only
    import apsw

COMMAND: Final = "command"
"""The address of a look by a command."""

_FILTER_BYTES: Final = 600
_NAME_BYTES: Final = 100
"""A row of a command has at most this much of a filter and of a user's name: an order has 1,024 bytes."""
_NO_LOGIN: Final = 2**32 - 1
"""What the kernel shows for a process that no login has started (proc(5), ``loginuid``)."""
_ATTEMPTS: Final = 3
"""Two commands that make the file at the same time may block each other."""
_LONGEST_PAUSE_S: Final = 0.2
_PASSING: Final = "try again a little later"
"""How the server ends its answer while it starts or stops, or removes forgotten people again."""
_PASSING_S: Final = 3.0
"""Try again this long: a start and a stop take less."""
_ROOT: Final = 0
_FORGET: Final = "forget"
"""The look of the command that removes those who wait for it."""
_NOTHING_SHOWN: Final = "nothing is shown without a row in the readers' log"
_MAY_NOT_WRITE: Final = f"only root and the user that winlogd runs as can write it, and {_NOTHING_SHOWN}"


def asked(config: Config, order: Fields) -> Fields:
    """Have an order about readers carried out. Return the fields of the answer.

    If root runs this process, it becomes the owner of the database's folder.

    Args:
        config: names the database.
        order: the members of the order; see `store.access_file.orders`.

    Raises:
        FailedError: the order was not carried out.
    """
    return answer_to(config, {"order": "token", **order}, lambda _, path: _alone(path, order), "to read yet")


def note_look(config: Config, kind: str, filter_text: str, words: str = "") -> None:
    """Write a row to the readers' log, with the user who runs this command. Call this before anything is shown.

    If root runs this process, it becomes the owner of the database's folder. Without a server, the database is not
    owned meanwhile: a server that starts at this moment must not fail for it. SQLite's locks protect the file.
    Without a server nothing is shown either while tombstones wait, as a server shows nothing of the past then.

    Args:
        config: names the database.
        kind: what is looked at: ``sessions``, ``machine``, ``user``, as the rules in `access.scopes` name it.
        filter_text: the parameters, such as ``user=alice``.
        words: the command line, for the advice to run it as another user; empty for none.

    Raises:
        FailedError: the row is not written, or tombstones wait. The command must not show anything then.
    """
    reader, shown = _plain(f"user:{login_user()}", _NAME_BYTES), _plain(filter_text, _FILTER_BYTES)
    look = {"at_us": time.time_ns() // 1000, "reader": reader, "kind": kind, "filter": shown, "address": COMMAND}
    order = {"do": "look", **look}
    path = database_of(config, words=words)
    if os.geteuid() not in (_ROOT, owner_of(path)):  # a file of another user would close reading for the server
        raise FailedError(f"the readers' log has no row of this: {_MAY_NOT_WRITE}; {to_become(path, words)}")
    try:
        try:
            _note_by_the_server(path, {"order": "token", **order})
        except (FileNotFoundError, ConnectionRefusedError, ServerGoneError):  # a row that is there is not added again
            _alone(path, order)
        else:
            return
    except FailedError as error:
        raise FailedError(f"{error}; {_NOTHING_SHOWN}") from None
    if kind != _FORGET:
        _refuse_if_forgetting_is_due(config, path, words)


def _note_by_the_server(path: str, order: Fields) -> None:
    """Let the server write the row. Try again for a while if it starts or stops. Raise what `by_the_server` raises."""
    until_s = time.monotonic() + _PASSING_S
    while True:
        try:
            by_the_server(path, order)
        except FailedError as error:
            if not str(error).endswith(_PASSING) or time.monotonic() >= until_s:
                raise
            time.sleep(_LONGEST_PAUSE_S)
        else:
            return


def login_user() -> str:
    """Return the name of the user who has logged in and runs this process, also through sudo.

    The kernel keeps the user of the login, and sudo and su do not change it. Without a login `SUDO_USER` counts, and
    then the user of the process. Call this before the process becomes the database's owner.
    """
    with suppress(OSError, ValueError):
        number = int(Path("/proc/self/loginuid").read_bytes())
        if number != _NO_LOGIN:
            return _name_of(number)
    return os.environ.get("SUDO_USER") or _name_of(os.getuid())


def _plain(text: str, most_bytes: int) -> str:
    """Return the beginning of a text, with a space for each character that is not visible."""
    visible = "".join(each if each.isprintable() else " " for each in text)
    return visible.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore")


def _name_of(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # only a container or another machine knows this user's name
        return str(number)


def _refuse_if_forgetting_is_due(config: Config, path: str, words: str) -> None:
    """Raise a `FailedError` if the database lacks tombstones: it is an older copy, or a command was cut short."""
    from winlogd.commands.reader import read_from
    from winlogd.store.access_file.due import lacks_some
    from winlogd.store.file.marks import FORGOTTEN, NO_MARK, read_marks

    mark = read_from(config, path, words, read_marks).get(FORGOTTEN, NO_MARK)
    if _tried(path, lambda connection: lacks_some(connection, mark)):
        raise FailedError(
            f"{path} still has people who were forgotten, so nothing of it is shown: start the server, which removes"
            " them; or run winlogd forget again, for any of them"
        )


def _alone(database: str, order: Fields) -> Fields:
    """Carry out an order on the file beside a database. No server uses it, as far as is known."""
    from winlogd.store.access_file.orders import Answer, work_of

    now_us = time.time_ns() // 1000
    answer: Answer = _tried(database, lambda connection: work_of(order, now_us)(connection))
    return answer


def _tried(database: str, work: "Callable[[apsw.Connection], Any]") -> Any:  # noqa: ANN401  # what the work returns
    """Do work on the file beside a database. Try again if another command has it."""
    from winlogd.store.access_file.errors import AccessFileBusyError, AccessFileError, OrderRefusedError

    attempts = 0
    while True:
        attempts += 1
        try:
            return _on_the_file(database, work)
        except (AccessFileError, OrderRefusedError) as error:
            if attempts == _ATTEMPTS or not isinstance(error, AccessFileBusyError):
                raise FailedError(str(error)) from None
            time.sleep(random.uniform(0, _LONGEST_PAUSE_S))


def _on_the_file(database: str, work: "Callable[[apsw.Connection], Any]") -> Any:  # noqa: ANN401  # as above
    from winlogd.store.access_file.file import AccessFile  # a command that asks the server does not load SQLite
    from winlogd.store.access_file.tables import access_path

    file = AccessFile(access_path(database))
    try:
        outcome = file.run([work])[0]
    finally:
        file.close()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
