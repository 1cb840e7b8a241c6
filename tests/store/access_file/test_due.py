"""A start compares two marks, and loads the rest only if they differ."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from winlogd.store.access_file.due import is_forgetting_due
from winlogd.store.access_file.file import AccessFile
from winlogd.store.access_file.forgotten import Wish, add_forgotten


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "winlog.access"


@pytest.fixture
def file(path: Path) -> Iterator[AccessFile]:
    with closing(AccessFile(str(path))) as file:
        yield file


def add(file: AccessFile, *names: str) -> str:
    """Forget somebody. Return the mark."""
    wish = Wish(names, None, None, "", "")
    return str(file.run([lambda connection: add_forgotten(connection, wish, 1).mark])[0])


def is_due(path: Path, mark: str) -> bool:
    return is_forgetting_due(str(path.with_name("winlog.db")), mark)


def test_a_database_lacks_what_was_added_after_its_mark(file: AccessFile, path: Path) -> None:
    marks = [add(file, "alice"), add(file, "bob")]
    file.close()

    assert [is_due(path, mark) for mark in ("0", *marks)] == [True, True, False]
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no WAL is left"


def test_where_nobody_was_forgotten_nothing_is_due(file: AccessFile, path: Path) -> None:
    file.close()
    assert not is_due(path, "0")
    assert not is_due(path, "7:0123456789abcdef")


@pytest.mark.long
def test_a_file_that_another_program_locks_may_have_more(file: AccessFile, path: Path) -> None:
    assert is_due(path, add(file, "alice"))


@pytest.mark.parametrize("octets", [b"", b"no database" * 1000])
def test_a_damaged_file_may_have_more(path: Path, octets: bytes) -> None:
    path.write_bytes(octets)
    assert is_due(path, "0")
