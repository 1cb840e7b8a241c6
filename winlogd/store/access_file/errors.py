"""The errors of `winlog.access`. This file must not load SQLite."""


class AccessFileError(Exception):
    """The file cannot be used: it is damaged, its disk is full, or another program holds it. The text says why."""


class AccessFileBusyError(AccessFileError):
    """Another program holds the file. It may be free a moment later."""


class OrderRefusedError(Exception):
    """An order about readers cannot be carried out. The text is a sentence for the person who gave it."""
