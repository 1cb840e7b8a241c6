"""What a command says and how it ends: exit statuses, sentences, errors, progress.

Knows standard output and standard error; not what any command does.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, TextIO

from winlogd.config.load import ConfigError
from winlogd.config.messages import escaped

OK: Final = 0
FAILED: Final = 1
MISUSED: Final = 2

STATUSES: Final[Mapping[int, str]] = {
    OK: "the command did what it was asked to do",
    FAILED: "it could not; standard error says why",
    MISUSED: "the command line or the configuration is wrong; nothing was done",
}
"""Every exit status of winlogd and what it means."""


_STANDARD_ERROR: Final = 2

_USUAL_COLUMNS: Final = 80
"""The width of a terminal that does not say how wide it is."""


class HelpAskedError(Exception):
    """The command line asks for help, which is the argument. Nothing else is done."""


class MisusedError(Exception):
    """The command line is wrong."""

    def __init__(self, sentence: str, usage: str) -> None:
        """Keep what is wrong, and how it would be right: lines that begin with "usage: "."""
        super().__init__(sentence)
        self.usage = usage


class FailedError(Exception):
    """The command could not do what it was asked to do; the argument is a sentence that says why."""


def status_lines() -> str:
    """Return the lines of a help that list every exit status."""
    return "".join(f"  {status}  {meaning}\n" for status, meaning in STATUSES.items())


def status_of(command: Callable[[], int]) -> int:
    """Run `command`; report what ended it early. Return the exit status."""
    try:
        return command()
    except HelpAskedError as asked:
        return write(str(asked))
    except MisusedError as error:
        return _complain(f"winlogd: {error}\n{error.usage}", MISUSED)
    except ConfigError as error:
        return _complain("".join(f"winlogd: {fault}\n" for fault in error.faults), MISUSED)
    except FailedError as error:
        return fail(str(error))
    except KeyboardInterrupt:  # the server does not get here: it has its own handler of the signal
        return fail("ended by Ctrl-C before the command was done")


def say(sentence: str) -> int:
    """Print a sentence on standard output; return the exit status, as `write` does."""
    return write(f"{sentence}\n")


def write(text: str) -> int:
    """Print `text` on standard output; return `OK`, or `FAILED` where it cannot be written (`> /dev/full`)."""
    error = _put(sys.stdout, text)
    return OK if error is None else fail(f"standard output cannot be written: {error.strerror}")


def warn(sentence: str) -> None:
    """Print a sentence on standard error; the command goes on."""
    _put(sys.stderr, _prefixed(f"winlogd: {escaped(sentence)}\n", "WARN"))


def fail(sentence: str) -> int:
    """Print a sentence on standard error; return `FAILED`."""
    return _complain(f"winlogd: {escaped(sentence)}\n", FAILED)


def _complain(lines: str, status: int) -> int:
    _put(sys.stderr, _prefixed(lines, "ERROR"))  # where that fails there is nobody left to tell
    return status


def _prefixed(lines: str, level: str) -> str:
    """Return `lines` with the journal's priority of `level`, where standard error is the journal."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return lines
    from winlogd.log.journal import is_journal, prefixed

    octets = lines.encode("utf-8", "surrogateescape")
    return prefixed(octets, level).decode("utf-8", "surrogateescape") if is_journal(_STANDARD_ERROR, stream) else lines


def _put(stream: TextIO | None, text: str) -> OSError | None:
    """Write `text` to a standard stream (None: it was closed at the start); return what kept it from getting out.

    After a fault the stream leads to /dev/null. Otherwise Python would try the same text again at its end, and turn
    the second fault into lines and an exit status of its own.
    """
    if stream is None:
        return OSError(0, "it is closed")
    try:
        stream.write(_in_its_letters(stream, text))
        stream.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return error
    return None


def _in_its_letters(stream: TextIO, text: str) -> str:
    """`text` as the stream can write it: letters that its encoding lacks as escapes."""
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


class ProgressLine:
    """One line on standard error that is written over again and again; none where standard error is no terminal."""

    def __init__(self) -> None:
        self._is_terminal: Final = sys.stderr is not None and sys.stderr.isatty()
        self._shown_characters = 0

    def show(self, fields: Mapping[str, object]) -> None:
        """Show `fields` in place of what the line shows: ``rows moved: 4096, rows in all: 80000``."""
        if not self._is_terminal:
            return
        text = escaped(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in fields.items()))
        text = text[: self._columns() - 1]
        _put(sys.stderr, f"\r{text.ljust(self._shown_characters)}")
        self._shown_characters = len(text)

    def clear(self) -> None:
        """Take the line away. Do it before anything else is printed."""
        if self._shown_characters:
            _put(sys.stderr, f"\r{' ' * self._shown_characters}\r")
            self._shown_characters = 0

    def _columns(self) -> int:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
