"""What the control socket may be asked, by name. Knows the parts that obey; not the socket."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.control.server import Answer, Command
from winlogd.scheduled.rotation import Rotator

if TYPE_CHECKING:
    from winlogd.store.jobs.rotate import Moved


def orders_of(rotator: Rotator) -> Mapping[str, Command]:
    """Return every order that a running server obeys."""

    def rotate(answer: Answer) -> None:
        def ended(outcome: "Moved | Exception") -> None:
            if isinstance(outcome, Exception):
                answer("error", f"the rotation did not come to its end: {outcome}")
            else:
                answer("ok", outcome.sentence)

        rotator.rotate_now(ended)

    return {"rotate": rotate}
