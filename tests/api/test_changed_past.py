"""A question without a cursor begins again if the past is built anew meanwhile."""

from pathlib import Path

import pytest

from tests.support.pasts import opened
from tests.support.questions import reading
from winlogd.api.reading import _answer_of
from winlogd.store.errors import PastChangedError, QuestionRefusedError
from winlogd.store.read.access import Access


def change(path: Path) -> None:
    with opened(path) as other:
        other.execute("UPDATE winlogd_meta SET value = value + 1 WHERE key = 'past_epoch'")


def test_it_is_answered_from_the_new_past(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with opened(path):
        pass
    epochs = []

    def question(access: Access) -> int:
        with access.snapshot():
            epochs.append(access.epoch())
        if len(epochs) == 1:
            change(path)
        with access.snapshot():
            return access.epoch()

    with reading(path) as access:
        assert _answer_of(access, question) == epochs[1] == epochs[0] + 1


def test_it_is_refused_if_the_past_changes_again(tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with opened(path):
        pass

    def question(access: Access) -> None:
        raise PastChangedError("the past was built anew")

    with reading(path) as access, pytest.raises(QuestionRefusedError):
        _answer_of(access, question)
