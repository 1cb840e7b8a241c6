"""Who closes a connection, as a browser does when its page is loaded again, leaves no question behind that counts."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.running import Winlogd, running
from tests.support.wire import Wire, health, request

pytestmark = pytest.mark.long  # a server for each


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Winlogd]:
    """A server whose questions wait while another program holds the database."""
    with running(tmp_path, '[database]\npragma_journal_mode = "DELETE"\n') as server:
        server.wait_until_it_obeys()  # before, each question is refused
        yield server


@contextmanager
def held(site: Winlogd) -> Iterator[None]:
    with closing(sqlite3.connect(site.database)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.rollback()


def ask(stack: ExitStack, site: Winlogd, number: int) -> Wire:
    """Ask a question that is equal to no other, and wait until the server has read it."""
    wire = stack.enter_context(Wire(site.port))
    wire.send(request("GET", f"/api/v1/sessions?limit={number}"))
    until_read(site)
    return wire


def until_read(site: Winlogd) -> None:
    """Return when the server has read what was sent before."""
    for _ in range(3):
        with Wire(site.port) as wire:
            wire.send(health())
            assert wire.answer().status == 200


def test_a_page_that_is_loaded_again_may_ask_again(site: Winlogd) -> None:
    with ExitStack() as stack:
        with held(site):
            for wire in [ask(stack, site, number) for number in (1, 2, 3, 4)]:
                wire.socket.close()
            until_read(site)
            again = [ask(stack, site, number) for number in (5, 6, 7, 8)]
        assert [wire.answer().status for wire in again] == [200] * 4


def test_who_still_waits_is_not_sent_away(site: Winlogd) -> None:
    with ExitStack() as stack:
        with held(site):
            waiting = [ask(stack, site, number) for number in (1, 2, 3, 4)]
            refused = ask(stack, site, 5)
            answer = refused.answer()
            assert (answer.status, answer.json["details"]) == (503, "too many questions wait")
        assert [wire.answer().status for wire in waiting] == [200] * 4


def test_who_sends_fin_and_reads_on_gets_an_answer_as_long_as_there_is_room(site: Winlogd) -> None:
    with ExitStack() as stack:
        with held(site):
            waiting = [ask(stack, site, number) for number in (1, 2, 3)]
            for wire in waiting:
                wire.half_close()
            until_read(site)
            waiting.append(ask(stack, site, 4))
        assert [wire.answer().status for wire in waiting] == [200] * 4


def test_who_sends_fin_and_reads_on_is_told_that_others_took_the_place(site: Winlogd) -> None:
    with ExitStack() as stack:
        with held(site):
            waiting = [ask(stack, site, number) for number in (1, 2, 3, 4)]
            waiting[1].half_close()
            until_read(site)
            last = ask(stack, site, 5)
            answer = waiting[1].answer()
            assert answer.status == 503
            assert answer.json["details"] == "the client had closed its side, and another question took the place"
        assert [wire.answer().status for wire in (waiting[0], *waiting[2:], last)] == [200] * 4
