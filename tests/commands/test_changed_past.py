"""A past that a server builds anew during a question costs a command one line."""

from pathlib import Path

import pytest

from tests.support.pasts import opened
from winlogd.api.cursor import OldCursorError
from winlogd.commands.reader import answer_to
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.store.errors import PastChangedError
from winlogd.store.read.access import Access


@pytest.mark.parametrize("error", [PastChangedError, OldCursorError])
def test_the_command_says_to_run_it_again(error: type[Exception], tmp_path: Path) -> None:
    path = tmp_path / "winlog.db"
    with opened(path):
        pass

    def question(access: Access) -> None:
        raise error("the past was built anew")

    with pytest.raises(FailedError, match="the past was built anew; run the command again"):
        answer_to(Config(), str(path), "winlogd who", question, is_repeatable=True)
