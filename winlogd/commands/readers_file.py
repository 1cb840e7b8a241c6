"""Ask `winlog.access` for something: through the running server, or by owning the database if no server is running.

Also write the looks of commands: one that shows people or the past calls `note_look` first. This file must not know
what a command shows.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from winlogd.commands.remote import Fields, answer_to
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config

COMMAND: Final = "command"
"""The address of a look by a command."""

_FILTER_BYTES: Final = 600
_NAME_BYTES: Final = 100
"""A row of a command has at most this much of a filter and of a user's name: an order has 1,024 bytes."""
_NO_LOGIN: Final = 2**32 - 1
"""What the kernel shows for a process that no login has started (proc(5), ``loginuid``)."""


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


def note_look(config: Config, kind: str, filter_text: str) -> None:
    """Write a row to the readers' log, with the user who runs this command. Call this before anything is shown.

    Args:
        config: names the database.
        kind: what is looked at: ``sessions``, ``machine``, ``user``, as the rules in `access.scopes` name it.
        filter_text: the parameters, such as ``user=alice``.

    Raises:
        FailedError: the row is not written. The command must not show the past then.
    """
    reader, shown = _plain(f"user:{login_user()}", _NAME_BYTES), _plain(filter_text, _FILTER_BYTES)
    asked(config, {"do": "look", "reader": reader, "kind": kind, "filter": shown, "address": COMMAND})


def login_user() -> str:
    """Return the name of the user who has logged in and runs this process, also through sudo.

    The kernel keeps the user of the login, and sudo and su do not change it. Without a login `SUDO_USER` counts, and
    then the user of the process. Call this before the process becomes the database's owner.
    """
    with suppress(OSError, ValueError):
        number = int(Path("/proc/self/loginuid").read_text("ascii"))
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


def _alone(database: str, order: Fields) -> Fields:
    """Carry out an order on the file beside a database that this process owns."""
    from winlogd.store.access_file.errors import AccessFileError, OrderRefusedError
    from winlogd.store.access_file.file import AccessFile  # a command that asks the server does not load SQLite
    from winlogd.store.access_file.orders import Answer, work_of
    from winlogd.store.access_file.tables import access_path

    try:
        work = work_of(order, time.time_ns() // 1000)
        file = AccessFile(access_path(database))
        try:
            outcome: Answer | Exception = file.run([work])[0]
        finally:
            file.close()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
    except (AccessFileError, OrderRefusedError) as error:
        raise FailedError(str(error)) from None
