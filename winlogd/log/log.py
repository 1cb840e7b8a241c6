"""The log: any thread hands over records, one thread writes them, and no caller ever waits for it.

A caller puts a record (plain values, not text yet) into a bounded buffer. The log thread turns records into lines. It
writes the lines of many batches with one `write(2)`. When standard error stalls, the buffer fills, and further lines
are dropped. When writing goes on, one line reports how many were dropped. A server that cannot log still serves.

This file knows how lines are written. It must not know what they look like (`lines` does), nor what deserves a line
(its callers do).
"""

import os
import select
import threading
import time
from traceback import TracebackException
from typing import Final

from winlogd.log.form import LEVELS, form_of, masked
from winlogd.log.lines import Record

_TRACE: Final = LEVELS.index("trace")
_DEBUG: Final = LEVELS.index("debug")
_INFO: Final = LEVELS.index("info")
_WARN: Final = LEVELS.index("warn")
_ERROR: Final = LEVELS.index("error")

_CAPACITY_LINES: Final = 32_768
"""The most lines in the buffer: those of one or two seconds on a busy server, about half a KiB each. The log thread may
hold as many lines again when the descriptor stalls."""

_GATHER_S: Final = 0.02
"""How long lines are gathered after the first one, before they are written.
Each wake-up of the log thread costs a switch of threads, and each write a system call. The following is CPU time
(getrusage) above that of the same loop without a log, for `compact` into a pipe and a hand-over each millisecond. With
16 rows: 4.2 us a row without gathering, 1.8 us with 20 ms, 1.2 us with 100 ms. With one row: 79, 24 and 27 us."""


class Log:
    """Write lines to a file descriptor, on a thread of its own.

    Every method may be called from any thread, and from a signal handler or a finalizer. The methods that log never
    wait for the descriptor, and raise nothing for a value that has no text. Values become text later, on the log
    thread. Therefore they must not change after the call.

    Args:
        level: the lowest level that is written: `trace`, `debug`, `info`, `warn` or `error`.
        format: `compact`, `full` or `json`, see `winlogd.log.form`.
        fd: the descriptor to write to, by default standard error. It may be non-blocking. The log never closes it.
        secret: ASCII text that no line may show; `***` replaces it everywhere. Empty for none.

    Raises:
        ValueError: `level` or `format` is unknown.
    """

    def __init__(self, level: str, format: str, fd: int = 2, secret: str = "") -> None:
        self._fd = fd
        self._form = form_of(level, format, fd, (secret.encode("ascii"),))
        self._threshold = self._form.threshold
        self._line_is_torn = False

        # Threads share all attributes below, and change them only under `_guard`. A thread holds the guard for a few
        # assignments, never while it renders or writes. The guard is reentrant: a signal handler or a finalizer that
        # logs may interrupt its own thread inside it.
        self._guard = threading.RLock()
        self._changed = threading.Condition(self._guard)
        self._records: list[Record] = []
        self._lines_waiting = 0
        self._dropped = 0
        self._dropped_reported = 0  # only the log thread uses this
        self._idle = False
        self._hurry = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    # --- for every caller

    def trace(self, target: str, message: str, /, **fields: object) -> None:
        """Log a detail for a person who looks for a fault in winlogd itself."""
        if self._threshold <= _TRACE:
            self._hand_over(_TRACE, target, message, tuple(fields), [tuple(fields.values())])

    def debug(self, target: str, message: str, /, **fields: object) -> None:
        """Log a detail that helps to find out why a client is refused or a query is slow."""
        if self._threshold <= _DEBUG:
            self._hand_over(_DEBUG, target, message, tuple(fields), [tuple(fields.values())])

    def info(self, target: str, message: str, /, **fields: object) -> None:
        """Log what the server did in normal operation."""
        if self._threshold <= _INFO:
            self._hand_over(_INFO, target, message, tuple(fields), [tuple(fields.values())])

    def warn(self, target: str, message: str, /, **fields: object) -> None:
        """Log a condition that an administrator should look at some day."""
        if self._threshold <= _WARN:
            self._hand_over(_WARN, target, message, tuple(fields), [tuple(fields.values())])

    def error(self, target: str, message: str, /, **fields: object) -> None:
        """Log a condition that an administrator should look at now. The line is written without gathering."""
        self._hand_over(_ERROR, target, message, tuple(fields), [tuple(fields.values())])

    def exception(self, target: str, message: str, error: BaseException, /, **fields: object) -> None:
        """Log an error. The last field of its line, `traceback`, is the whole traceback."""
        names = (*fields, "traceback")
        self._hand_over(_ERROR, target, message, names, [(*fields.values(), _Traceback(error))])

    def each(
        self, level: str, target: str, message: str, names: tuple[str, ...], rows: list[tuple[object, ...]], /
    ) -> None:
        """Log many occurrences of one kind, a line for each row, all with the time of this call.

        Args:
            level: one of `LEVELS`.
            target: the part of winlogd that logs.
            message: what happened.
            names: the fields' names.
            rows: the fields' values, in the order of `names`. The list now belongs to the log: do not change it.

        Raises:
            ValueError: `level` is none of `LEVELS`.
        """
        rank = LEVELS.index(level)
        if self._threshold <= rank and rows:
            self._hand_over(rank, target, message, names, rows)

    def enabled(self, level: str) -> bool:
        """Return True if lines of `level` are written. Ask before you collect costly fields.

        Raises:
            ValueError: `level` is none of `LEVELS`.
        """
        return self._threshold <= LEVELS.index(level)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """What no line may show."""
        return self._form.secrets

    @property
    def dropped(self) -> int:
        """The number of lines lost so far: the buffer was full, the descriptor refused them, or the log was stopped."""
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

    # --- for the owner of the log

    def start(self) -> None:
        """Start the log thread, which also writes the lines logged before. A second call does nothing.

        Raises:
            RuntimeError: the system has no thread left.
        """
        with self._guard:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="log", daemon=True)
                thread.start()
                self._thread = thread

    def change(self, level: str, format: str, secret: str = "") -> None:
        """Take other values of the same names as in `Log`, from now on. No line shows the earlier secrets either.

        Lines that are buffered keep their place, and get the new format.

        Raises:
            ValueError: `level` or `format` is unknown. Nothing has changed.
        """
        self._form = form_of(level, format, self._fd, (secret.encode("ascii"), *self._form.secrets))
        self._threshold = self._form.threshold

    def stop(self, timeout_s: float = 1.0) -> None:
        """Write the buffered lines, then end the log thread. Lines logged from now on are dropped and counted.

        If the descriptor stalls, this returns after `timeout_s` seconds. The thread is a daemon, and ends with the
        process then. A second call is allowed, for instance to wait longer.

        Raises:
            RuntimeError: lines are buffered, no thread was started, and the system has no thread left.
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
                # Lines that were dropped until now are newer than these records, which had filled the buffer.
                dropped = self._dropped
            lost = self._write(self._rendered(records))
            if lost:
                self._lose(lost)
            elif dropped > self._dropped_reported:
                self._report_dropped(dropped)

    def _wait_for_records(self) -> None:
        """Wait until there are records, or the log must stop. An idle log sleeps: this wait has no time-out."""
        while not self._records and not self._stopping:
            self._idle = True
            self._changed.wait()
        if not self._hurry:
            self._changed.wait(_GATHER_S)

    def _rendered(self, records: list[Record]) -> bytes:
        pieces = []
        for record in records:
            try:
                pieces.append(self._form.render(record))
            except Exception:
                # A value never raises here. Memory has run out, or `lines` has a fault. Neither may end the only
                # thread that writes the log.
                self._lose(len(record.rows))
        return masked(b"".join(pieces), self._form.secrets)

    def _report_dropped(self, dropped: int) -> None:
        """Write a line with the number of lost lines, at any level: a reader must know that lines are missing."""
        count = dropped - self._dropped_reported
        row: tuple[object, ...] = (count,)
        record = Record(time.time_ns(), "WARN", "log", "log lines dropped", ("count",), [row])
        if self._write(self._form.render(record)) == 0:
            self._dropped_reported = dropped

    def _lose(self, lines: int) -> None:
        with self._guard:
            self._dropped += lines

    def _write(self, lines: bytes) -> int:
        """Write `lines`, however long that takes. Return how many of them the descriptor refused."""
        if self._line_is_torn and self._push(b"\n") == 0:
            return lines.count(b"\n")
        written = self._push(lines)
        # A line is lost if only its beginning was written. The next line must not look like its end.
        self._line_is_torn = lines[:written][-1:] not in (b"", b"\n")
        return lines.count(b"\n", written)

    def _push(self, data: bytes) -> int:
        """Write `data` in one or more pieces. Return how many bytes were written: all, or those before a fault.

        There is no place to report a fault (EPIPE: no reader; ENOSPC, EIO: no disk; EBADF: no descriptor). The log
        tries again with the next lines, so that it comes back when the fault is gone.
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
        """Wait until a full non-blocking descriptor takes more. A fault of the descriptor ends this, too."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.poll()


class _Traceback:
    """An error's traceback, which becomes text on the log thread.

    This keeps only names and line numbers of the frames. The log thread reads the source lines from the disk. The
    buffered line keeps no object of the frames alive, such as connections and bodies.
    """

    __slots__ = ("_summary",)

    def __init__(self, error: BaseException) -> None:
        self._summary = TracebackException(type(error), error, error.__traceback__, lookup_lines=False)

    def __str__(self) -> str:
        return "".join(self._summary.format()).rstrip("\n")
