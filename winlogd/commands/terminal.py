"""Print what a command has to say, and choose its exit status: sentences, errors, progress.

This file knows standard output and standard error. It must not know what any command does.
"""

import os
import sys
from collections.abc import Mapping, Sequence
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
"""The width that is assumed if a terminal does not report its own."""


class HelpAskedError(Exception):
    """The command line asks for help. The argument is the text of the help. The command does nothing else."""


class MisusedError(Exception):
    """The command line is wrong.

    Args:
        sentence: what is wrong.
        usage: the right form of the command line; its first line begins with "usage: ".
    """

    def __init__(self, sentence: str, usage: str) -> None:
        super().__init__(sentence)
        self.usage = usage


class WrongValuesError(Exception):
    """Values on the command line are not allowed.

    Args:
        faults: a sentence for each, which names the flag and what is allowed.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class FailedError(Exception):
    """The command could not do what it was asked to do. The argument is a sentence that says why."""


def status_lines(statuses: Mapping[int, str] = STATUSES) -> str:
    """Return the lines of a help that list exit statuses and what they mean."""
    return "".join(f"  {status}  {meaning}\n" for status, meaning in statuses.items())


def status_after(error: BaseException) -> int | None:
    """Print on standard error why a command has ended early. Return the exit status; None if `error` is a fault."""
    match error:
        case HelpAskedError():
            return write(str(error))
        case MisusedError():
            return _complain(f"winlogd: {error}\n{error.usage}", MISUSED)
        case ConfigError() | WrongValuesError():
            return _complain("".join(f"winlogd: {fault}\n" for fault in error.faults), MISUSED)
        case FailedError():
            return fail(str(error))
        case KeyboardInterrupt():  # the server does not get here: it has its own handler of the signal
            return fail("ended by Ctrl-C before the command was done")
    return None


def say(sentence: str) -> int:
    """Print a sentence on standard output. Return the same exit status as `write`."""
    return write(f"{sentence}\n")


def write(text: str) -> int:
    """Print `text` on standard output. Return `OK`, or `FAILED` if it cannot be written (``> /dev/full``)."""
    error = _put(sys.stdout, text)
    return OK if error is None else _unwritten(error)


def _unwritten(error: OSError) -> int:
    """Say why standard output cannot be written. Return `FAILED`.

    If the next program of a pipe has ended, such as ``head``, it wants no more, and there is nothing to say.
    """
    if isinstance(error, BrokenPipeError):
        return FAILED
    return fail(f"standard output cannot be written: {error.strerror}")


def write_octets(octets: bytes) -> int:
    """Print octets on standard output, whatever the locale's letters are. Return the same exit status as `write`."""
    stream = sys.stdout
    try:
        if stream is None:
            raise OSError(0, "it is closed")
        stream.flush()
        stream.buffer.write(octets)
        stream.buffer.flush()
    except OSError as error:
        if stream is not None:
            _lead_to_nowhere(stream)
        return _unwritten(error)
    return OK


def note(sentence: str) -> None:
    """Print on standard error what a person wants to know beside the data, such as what was understood."""
    _put(sys.stderr, _prefixed(f"{escaped(sentence)}\n", "INFO"))


def warn(sentence: str) -> None:
    """Print a sentence on standard error. The command goes on."""
    _put(sys.stderr, _prefixed(f"winlogd: {escaped(sentence)}\n", "WARN"))


def ask_first(question: str, says_yes: bool) -> None:
    """Ask a person on the terminal a question. Return only if the answer is yes.

    Args:
        question: what would be done, as a question.
        says_yes: the command line says yes already: nobody is asked.

    Raises:
        FailedError: the answer is not yes, or nobody can be asked. Nothing must be done then.
    """
    if says_yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise FailedError("nothing was done: this command asks first, and there is no terminal; --yes answers it")
    _put(sys.stderr, f"{escaped(question)} [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise FailedError("nothing was done")


def fail(sentence: str) -> int:
    """Print a sentence on standard error. Return `FAILED`."""
    return _complain(f"winlogd: {escaped(sentence)}\n", FAILED)


def _complain(lines: str, status: int) -> int:
    """Print `lines` on standard error. Return `status`."""
    _put(sys.stderr, _prefixed(lines, "ERROR"))  # if this fails, there is no other place for a message
    return status


def _prefixed(lines: str, level: str) -> str:
    """Return `lines`, with the journal's priority for `level` if standard error leads to the journal."""
    stream = os.environ.get("JOURNAL_STREAM")
    if not stream:
        return lines
    from winlogd.log.journal import is_journal, prefixed

    octets = lines.encode("utf-8", "surrogateescape")
    return prefixed(octets, level).decode("utf-8", "surrogateescape") if is_journal(_STANDARD_ERROR, stream) else lines


def _put(stream: TextIO | None, text: str) -> OSError | None:
    """Write `text` to a standard stream, None if it was closed at the start. Return the error, None if there is none.

    After an error the stream leads to /dev/null. Otherwise Python would write the same text again when it exits. The
    second error would then cause more lines and another exit status.
    """
    if stream is None:
        return OSError(0, "it is closed")
    try:
        stream.write(_in_its_letters(stream, text))
        stream.flush()
    except OSError as error:
        _lead_to_nowhere(stream)
        return error
    return None


def _lead_to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _in_its_letters(stream: TextIO, text: str) -> str:
    """Return `text` with an escape for each letter that the stream's encoding does not have."""
    return text.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


class ProgressLine:
    """One line on standard error that shows the latest progress. If standard error is no terminal, there is no line."""

    def __init__(self) -> None:
        self._is_terminal: Final = sys.stderr is not None and sys.stderr.isatty()
        self._shown_characters = 0

    def show(self, fields: Mapping[str, object]) -> None:
        """Show `fields` instead of the line's present text, such as ``rows moved: 4096, rows in all: 80000``."""
        if not self._is_terminal:
            return
        text = escaped(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in fields.items()))
        text = text[: self._columns() - 1]
        _put(sys.stderr, f"\r{text.ljust(self._shown_characters)}")
        self._shown_characters = len(text)

    def clear(self) -> None:
        """Remove the line. Call this before anything else is printed."""
        if self._shown_characters:
            _put(sys.stderr, f"\r{' ' * self._shown_characters}\r")
            self._shown_characters = 0

    def _columns(self) -> int:
        """Return the terminal's width in characters."""
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
