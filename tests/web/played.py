"""A school whose server runs at Tuesday, 13 January 2026, 10:15: what the browser's tests and the screenshots show."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.questions import at, sent
from tests.support.running import Winlogd
from tests.support.school import School, a_school
from tests.support.school_clients import Sent
from tests.support.served import served

NOW_US: Final = at(1, 10.25)
HOSTILE: Final = "<img src=x onerror=alert(1)>"
"""A user's name that is markup."""
TURNED: Final = "\u202eecila"
"""A user's name that a browser would show from right to left."""
SETTINGS: Final = """[server]
timezone = "Europe/Paris"
[rooms]
rooms_file = "rooms.csv"
[sessions]
multi_user = ["TS-*"]
[periods]
M2 = "09:00-10:00"
"""


@contextmanager
def played(folder: Path, machines: int = 120, more: Sequence[Sent] = (), settings: str = SETTINGS) -> Iterator[Winlogd]:
    """Run a server that knows two days of a simulated school, with some events more, and its list of machines."""
    school = a_school(machines=machines, days=2)
    strange = (sent(at(1, 9.9), HOSTILE, "C", "A101-03"), sent(at(1, 9.95), TURNED, "C", "A101-05"))
    events = sorted([*school.sent, *strange, *more], key=lambda each: each.received_us)
    with served(
        folder, [each for each in events if each.received_us < NOW_US], NOW_US, settings, rooms_of(school)
    ) as it:
        yield it


def rooms_of(school: School) -> str:
    """Return the list of machines of a school. One of them is out of order."""
    machines = [each for each in school.machines if each.first_us <= NOW_US < each.until_us and each.room]
    lines = [f"{each.hostname},{each.room},{'out_of_order' if at == 7 else ''}" for at, each in enumerate(machines)]
    return "\n".join(["hostname,room,state", *lines, ""])
