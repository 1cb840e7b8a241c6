"""Logins in the file of readers: how they begin, last and end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from winlogd.store.access_file.file import AccessFile, Work
from winlogd.store.access_file.logins import (
    MOST_OF_READER,
    LoginRow,
    NewLogin,
    begin_by_code,
    begin_login,
    end_login,
    list_known,
    note_login,
)
from winlogd.store.access_file.readers import PAIRING_US, add_code, add_reader, revoke_reader

NOW_US: Final = 1_800_000_000_000_000
HOUR_US: Final = 3_600_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[AccessFile]:
    """A file with the reader 1, ``all``, and the reader 2, ``wall``, which expires in an hour."""
    opened = AccessFile(str(tmp_path / "winlog.access"))
    done(opened, lambda connection: add_reader(connection, "all", "all", None, b"a", NOW_US, None))
    done(opened, lambda connection: add_reader(connection, "wall", "wall", None, b"b", NOW_US, NOW_US + HOUR_US))
    yield opened
    opened.close()


def done(file: AccessFile, work: Work) -> Any:  # noqa: ANN401  # what the work returns
    return file.run([work])[0]


def logins(file: AccessFile) -> dict[bytes, LoginRow]:
    return {login.secret: login for login in done(file, list_known).logins}


def begin(file: AccessFile, secret: bytes, reader: int = 1, now_us: int = NOW_US) -> None:
    row = next(row for row in done(file, list_known).readers if row.number == reader)
    done(file, lambda connection: begin_login(connection, row, NewLogin(secret, now_us, lambda scope: HOUR_US)))


def by_code(file: AccessFile, code: bytes, secret: bytes = b"s", now_us: int = NOW_US) -> Any:  # noqa: ANN401
    lifetimes = {"all": HOUR_US, "wall": 9 * HOUR_US}
    new = NewLogin(secret, now_us, lifetimes.__getitem__)
    return done(file, lambda connection: begin_by_code(connection, code, new))


def test_a_login_is_there_until_it_is_ended(file: AccessFile) -> None:
    begin(file, b"one")
    begin(file, b"two", 2)
    assert logins(file)[b"one"] == LoginRow(b"one", 1, NOW_US, NOW_US + HOUR_US)
    done(file, lambda connection: end_login(connection, b"one"))
    assert list(logins(file)) == [b"two"]


def test_a_use_moves_the_end(file: AccessFile) -> None:
    begin(file, b"one")
    later = LoginRow(b"one", 1, NOW_US + 5, NOW_US + 5 + HOUR_US)
    done(file, lambda connection: note_login(connection, later))
    assert logins(file) == {b"one": later}


def test_those_that_have_ended_go_with_the_next_one(file: AccessFile) -> None:
    begin(file, b"old")
    begin(file, b"new", now_us=NOW_US + HOUR_US)
    assert list(logins(file)) == [b"new"]


def test_of_too_many_of_a_reader_the_least_used_one_ends(file: AccessFile) -> None:
    begin(file, b"of another", 2)
    for number in range(MOST_OF_READER + 1):
        begin(file, b"%d" % number, now_us=NOW_US + number)
    assert len(logins(file)) == MOST_OF_READER + 1
    assert b"0" not in logins(file)


def test_a_revoked_reader_has_no_login(file: AccessFile) -> None:
    begin(file, b"one")
    begin(file, b"two", 2)
    done(file, lambda connection: revoke_reader(connection, "all", NOW_US))
    assert list(logins(file)) == [b"two"]


def test_a_code_begins_one_login_with_the_lifetime_of_its_readers_scope(file: AccessFile) -> None:
    done(file, lambda connection: add_code(connection, "wall", b"code", NOW_US))
    assert by_code(file, b"other") is None
    assert by_code(file, b"code").name == "wall"
    assert logins(file) == {b"s": LoginRow(b"s", 2, NOW_US, NOW_US + 9 * HOUR_US)}
    assert by_code(file, b"code", b"t") is None
    assert list(logins(file)) == [b"s"]


def test_a_code_is_valid_for_ten_minutes(file: AccessFile) -> None:
    for late_us, name in ((-1, "all"), (0, None)):
        done(file, lambda connection: add_code(connection, "all", b"code", NOW_US))
        found = by_code(file, b"code", b"%d" % late_us, NOW_US + PAIRING_US + late_us)
        assert (found and found.name) == name


def test_a_code_of_a_reader_that_has_expired_begins_nothing(file: AccessFile) -> None:
    done(file, lambda connection: add_code(connection, "wall", b"code", NOW_US + HOUR_US - 1))
    assert by_code(file, b"code", now_us=NOW_US + HOUR_US) is None
    assert logins(file) == {}
