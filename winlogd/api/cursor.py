"""The cursor of a list: where the next page begins, as two numbers.

That of a list of sessions has the epoch and a key: a rebuild of the past changes the keys, and ends old cursors.
"""

import re
from typing import Final

_FORM: Final = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_LARGEST: Final = 2**63 - 1


OLD_CURSOR: Final = "the past was built anew, so that this cursor has ended: begin again without it"
"""What the answer says of a cursor of an earlier epoch."""


class OldCursorError(Exception):
    """The cursor is of an earlier epoch. The text says what to do."""


def parsed_cursor(text: str) -> tuple[int, int]:
    """Return the two numbers of a cursor.

    Raises:
        ValueError: `text` is no cursor. The text of the error continues a sentence that names the parameter.
    """
    match = _FORM.fullmatch(text)
    if match is None or max(int(match[1]), int(match[2])) > _LARGEST:
        raise ValueError("must be what `next` gave")
    return int(match[1]), int(match[2])


def key_in(cursor: tuple[int, int], epoch: int) -> int:
    """Return the key of a cursor.

    Raises:
        OldCursorError: the cursor is of another epoch than `epoch`.
    """
    if cursor[0] != epoch:
        raise OldCursorError(OLD_CURSOR)
    return cursor[1]
