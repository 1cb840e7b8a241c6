"""A thread that looks into its queue, reads or writes files, or waits for the disk moves. Another one hangs."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import pytest

from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.life import Life, state_in, waits_in

AS_ANOTHER_USER: Final = """
import os, threading, time
from queue import SimpleQueue
from winlogd.store.writer.inbox import Inbox
from winlogd.store.writer.life import Life

def work():
    while begin.acquire():
        pass

begin = threading.Semaphore(0)
os.setgid(65534)
os.setuid(65534)
thread = threading.Thread(target=work, daemon=True)
thread.start()
folder = f"/proc/self/task/{thread.native_id}"
try:
    open(f"{folder}/io").read()
except PermissionError:
    print("io is closed")
life = Life(Inbox(SimpleQueue()), thread)
time.sleep(0.2)
life.has_moved()
for _ in range(2):
    begin.release()
    time.sleep(0.2)
    print(life.has_moved())
print(life.has_moved())
"""
"""A process that was root's looks at a thread of its own: twice after it was woken, then while it does nothing."""


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


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="missing: root, who alone can become another user")
def test_after_a_change_of_user_a_thread_that_waits_now_and_then_moves_and_another_one_does_not() -> None:
    """Only root may then see what the thread reads and writes."""
    ended = subprocess.run([sys.executable, "-c", AS_ANOTHER_USER], capture_output=True, text=True, check=True)
    assert ended.stdout == "io is closed\nTrue\nTrue\nFalse\n"


def test_the_waits_are_those_of_the_threads_own_will() -> None:
    assert waits_in("Name:\twriter\nvoluntary_ctxt_switches:\t4711\nnonvoluntary_ctxt_switches:\t12\n") == "4711"
    assert waits_in("") == ""


def test_the_state_is_read_after_the_last_bracket_of_the_name() -> None:
    assert state_in("4711 (writer) D 1 4711 4711 0 -1") == "D"
    assert state_in("4711 (a) R (b) S 1 4711") == "S"
    assert state_in("") == ""
