"""The log: any thread hands over what happened, one thread writes it, and nobody ever waits for it.

A caller leaves a record (plain values, no text made yet) in a bounded buffer; the log thread turns records
into lines and writes those of many batches with one `write(2)`. When standard error stalls, the buffer fills,
further lines are dropped and counted, and one line tells the count when writing goes on: a server that cannot
speak still serves.

This file knows how lines get out. It must not know what they look like (`lines` does), nor what is worth
a line (its callers do).
"""

import os
import select
import threading
import time
from traceback import TracebackException
from typing import Final

from winlogd.log.lines import FORMATS, Record

MASK: Final = b"***"
"""What is written in the place of a secret."""

LEVELS: Final = ("trace", "debug", "info", "warn", "error")

_TRACE: Final = LEVELS.index("trace")
_DEBUG: Final = LEVELS.index("debug")
_INFO: Final = LEVELS.index("info")
_WARN: Final = LEVELS.index("warn")
_ERROR: Final = LEVELS.index("error")

# A second or two of a busy server's lines, at about half a KiB each. As many again may be in the log thread's
# hands when the descriptor stalls.
_CAPACITY_LINES: Final = 32_768

# How long lines are gathered after the first one, before they are written: to wake the log thread costs a
# switch of threads, to write costs a system call. CPU time (getrusage) beyond that of the same loop without a
# log, for `compact` into a pipe and a hand-over each millisecond: with 16 rows 4.2 us a row when not
# gathering, 1.8 us with 20 ms, 1.2 us with 100 ms; with one row 79, 24 and 27 us.
_GATHER_S: Final = 0.02


class Log:
    """Lines on a file descriptor, written by one thread of its own.

    Every method may be called from any thread, and from a signal handler or a finalizer. None of those that
    log waits for the descriptor or raises for a value it cannot show. Values become text later, on the log
    thread, so they must not change after the call.

    Args:
        level: the least level that is written: `trace`, `debug`, `info`, `warn` or `error`.
        format: `compact`, `full` or `json`, see `winlogd.log.lines`.
        fd: the descriptor to write to, by default standard error. It may be non-blocking; it is never closed.
        secret: ASCII text that no line may show, whoever put it there; `***` is in its place. Empty: there is none.

    Raises:
        ValueError: `level` or `format` is none of these.
    """

    def __init__(self, level: str, format: str, fd: int = 2, secret: str = "") -> None:
        """Begin to buffer lines; `start` begins to write them."""
        if level not in LEVELS:
            raise ValueError(f"log level {level!r}: must be one of {', '.join(LEVELS)}")
        if format not in FORMATS:
            raise ValueError(f"log format {format!r}: must be one of {', '.join(FORMATS)}")
        self._threshold = LEVELS.index(level)
        self._render = FORMATS[format]
        if stream := os.environ.get("JOURNAL_STREAM"):
            from winlogd.log.journal import for_journal

            self._render = for_journal(self._render, fd, stream)
        self._fd = fd
        self._secret = secret.encode("ascii")
        self._line_is_torn = False

        # All below is shared by the threads and changed only under `_guard`. It is held for a few
        # assignments, never during rendering or writing. Reentrant, because a signal handler or a finalizer
        # that logs may interrupt its own thread inside it.
        self._guard = threading.RLock()
        self._changed = threading.Condition(self._guard)
        self._records: list[Record] = []
        self._lines_waiting = 0
        self._dropped = 0
        self._dropped_told = 0
        self._idle = False
        self._hurry = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    # --- for everyone

    def trace(self, target: str, message: str, /, **fields: object) -> None:
        """What only someone who searches a fault in winlogd itself wants to read."""
        if self._threshold <= _TRACE:
            self._hand_over(_TRACE, target, message, tuple(fields), [tuple(fields.values())])

    def debug(self, target: str, message: str, /, **fields: object) -> None:
        """What helps to find out why a client is refused or a query slow."""
        if self._threshold <= _DEBUG:
            self._hand_over(_DEBUG, target, message, tuple(fields), [tuple(fields.values())])

    def info(self, target: str, message: str, /, **fields: object) -> None:
        """What the server did, as it should."""
        if self._threshold <= _INFO:
            self._hand_over(_INFO, target, message, tuple(fields), [tuple(fields.values())])

    def warn(self, target: str, message: str, /, **fields: object) -> None:
        """What an administrator should look at some day."""
        if self._threshold <= _WARN:
            self._hand_over(_WARN, target, message, tuple(fields), [tuple(fields.values())])

    def error(self, target: str, message: str, /, **fields: object) -> None:
        """What an administrator should look at now; written without gathering."""
        self._hand_over(_ERROR, target, message, tuple(fields), [tuple(fields.values())])

    def exception(self, target: str, message: str, error: BaseException, /, **fields: object) -> None:
        """An error line whose last field, `traceback`, is the whole traceback on that one line."""
        names = (*fields, "traceback")
        self._hand_over(_ERROR, target, message, names, [(*fields.values(), _Traceback(error))])

    def each(
        self, level: str, target: str, message: str, names: tuple[str, ...], rows: list[tuple[object, ...]], /
    ) -> None:
        """Many occurrences of one kind, a line for each row, all with the time of this call.

        Args:
            level: a word of `LEVELS`.
            target: the room that speaks.
            message: what happened.
            names: the fields' names.
            rows: their values, in the same order. The list now belongs to the log: do not change it.

        Raises:
            ValueError: `level` is none of `LEVELS`.
        """
        rank = LEVELS.index(level)
        if self._threshold <= rank and rows:
            self._hand_over(rank, target, message, names, rows)

    def enabled(self, level: str) -> bool:
        """Whether lines of `level` are written: worth asking before collecting costly fields.

        Raises:
            ValueError: `level` is none of `LEVELS`.
        """
        return self._threshold <= LEVELS.index(level)

    @property
    def dropped(self) -> int:
        """The lines lost so far: the buffer was full, the descriptor refused them, or the log was stopped."""
        return self._dropped

    def _hand_over(
        self, rank: int, target: str, message: str, names: tuple[str, ...], rows: list[tuple[object, ...]]
    ) -> None:
        time_ns = time.time_ns()
        with self._guard:
            room = 0 if self._stopping else _CAPACITY_LINES - self._lines_waiting
            if len(rows) > room:
                self._dropped += len(rows) - room
                rows = rows[:room]
            if not rows:
                return
            self._records.append(Record(time_ns, LEVELS[rank].upper(), target, message, names, rows))
            self._lines_waiting += len(rows)
            if rank == _ERROR:
                self._hurry = True
            if self._idle or self._hurry:
                self._idle = False
                self._changed.notify()

    # --- for whoever owns the log

    def start(self) -> None:
        """Start the log thread. What was logged before is written now; a second call does nothing.

        Raises:
            RuntimeError: the system has no thread left.
        """
        with self._guard:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="log", daemon=True)
                thread.start()
                self._thread = thread

    def stop(self, timeout_s: float = 1.0) -> None:
        """Write what is buffered, then end the log thread; lines given from now on are dropped and counted.

        Gives up after `timeout_s` seconds when the descriptor stalls; the thread, a daemon, then ends with
        the process. May be called again, for instance to wait longer.
        """
        with self._guard:
            if self._records:
                self.start()
            self._stopping = self._hurry = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    # --- the log thread

    def _run(self) -> None:
        while True:
            with self._guard:
                self._wait_for_records()
                if not self._records:
                    return
                records, self._records = self._records, []
                self._lines_waiting = 0
                self._hurry = self._stopping
                # What was dropped until now came after these records, which had filled the buffer.
                dropped = self._dropped
            lost = self._write(self._rendered(records))
            if lost:
                self._lose(lost)
            elif dropped > self._dropped_told:
                self._tell_dropped(dropped)

    def _wait_for_records(self) -> None:
        """Return with records, or without any when the log is to stop. Idle is asleep: no time-out."""
        while not self._records and not self._stopping:
            self._idle = True
            self._changed.wait()
        if not self._hurry:
            self._changed.wait(_GATHER_S)

    def _rendered(self, records: list[Record]) -> bytes:
        pieces = []
        for record in records:
            try:
                pieces.append(self._render(record))
            except Exception:
                # Not for a value: those are always shown. Memory has run out, or `lines` has a fault,
                # and neither may end the only thread that could tell of it.
                self._lose(len(record.rows))
        lines = b"".join(pieces)
        return lines.replace(self._secret, MASK) if self._secret else lines

    def _tell_dropped(self, dropped: int) -> None:
        """One line that tells of lost lines, whatever the level: what is missing is part of the log."""
        count = dropped - self._dropped_told
        row: tuple[object, ...] = (count,)
        record = Record(time.time_ns(), "WARN", "log", "log lines dropped", ("count",), [row])
        if self._write(self._render(record)) == 0:
            self._dropped_told = dropped

    def _lose(self, lines: int) -> None:
        with self._guard:
            self._dropped += lines

    def _write(self, lines: bytes) -> int:
        """Write `lines`, for as long as that takes, and return how many of them the descriptor refused."""
        if self._line_is_torn and self._push(b"\n") == 0:
            return lines.count(b"\n")
        written = self._push(lines)
        # A line of which only the beginning got out is lost, and what follows must not be read as its end.
        self._line_is_torn = lines[:written][-1:] not in (b"", b"\n")
        return lines.count(b"\n", written)

    def _push(self, data: bytes) -> int:
        """Write `data` in as many pieces as it takes; return how many bytes got out before a fault, if any.

        There is nobody to tell a fault to (EPIPE: no reader; ENOSPC, EIO: no disk; EBADF: no descriptor). The
        next lines try again, so the log comes back when the fault is gone.
        """
        written = 0
        while written < len(data):
            try:
                written += os.write(self._fd, memoryview(data)[written:])
            except BlockingIOError:
                self._wait_until_writable()
            except OSError:
                break
        return written

    def _wait_until_writable(self) -> None:
        """For a non-blocking descriptor that is full. A fault of it wakes too; the next write meets it."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.poll()


class _Traceback:
    """An error's traceback that becomes text when it is shown.

    Only names and line numbers are taken from the frames here: the source lines are read from disk by the log
    thread, and nothing that the frames hold (connections, bodies) is kept alive by waiting lines.
    """

    __slots__ = ("_summary",)

    def __init__(self, error: BaseException) -> None:
        self._summary = TracebackException(type(error), error, error.__traceback__, lookup_lines=False)

    def __str__(self) -> str:
        return "".join(self._summary.format()).rstrip("\n")
