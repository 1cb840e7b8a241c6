"""A thread that looks into its queue, reads or writes files, or waits for the disk moves. Another one hangs."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.life import Life, state_in


@contextmanager
def watched(do: Callable[[Inbox], object]) -> Iterator[Callable[[], bool]]:
    """Run a thread that does the same again and again when it is asked. Give a function that asks and looks at it."""
    inbox, is_over = Inbox(SimpleQueue()), threading.Event()
    begin, done = threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        while begin.acquire() and not is_over.is_set():
            do(inbox)
            done.release()

    thread = threading.Thread(target=work)
    thread.start()
    life = Life(inbox, thread)
    assert life.has_moved()
    assert not life.has_moved()

    def moves() -> bool:
        begin.release()
        done.acquire()
        return life.has_moved()

    try:
        yield moves
    finally:
        is_over.set()
        begin.release()
        thread.join()


def test_a_thread_that_takes_its_queue_moves() -> None:
    with watched(Inbox.take_all_in) as moves:
        assert [moves(), moves()] == [True, True]


def test_a_thread_that_writes_or_reads_a_file_moves(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb+", buffering=0) as file:
        with watched(lambda _: file.write(b"page")) as moves:
            assert [moves(), moves()] == [True, True]
        with watched(lambda _: os.pread(file.fileno(), 4, 0)) as moves:
            assert [moves(), moves()] == [True, True]


def test_a_thread_that_only_computes_does_not_move() -> None:
    with watched(lambda _: sum(range(1000))) as moves:
        assert [moves(), moves()] == [False, False]


def test_a_thread_that_has_ended_does_not_move() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    life = Life(Inbox(SimpleQueue()), thread)
    assert [life.has_moved(), life.has_moved()] == [True, False]


def test_the_state_is_read_after_the_last_bracket_of_the_name() -> None:
    assert state_in("4711 (writer) D 1 4711 4711 0 -1") == "D"
    assert state_in("4711 (a) R (b) S 1 4711") == "S"
    assert state_in("") == ""
