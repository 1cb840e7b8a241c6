"""What goes wrong at a simulated school, and how often."""

from typing import Final, NamedTuple


class Habits(NamedTuple):
    """What goes wrong at a school, and how often.

    Attributes:
        lost_logoffs: the share of presences that end by the power switch or by a closed lid.
        crashes: the share of presences in which the machine crashes.
        duplicates: the share of events that a client sends twice.
        outages: how often a week the server is down, for one to four minutes.
        wrong_clocks: True if one clock is a day ahead and another is a day behind.
        inventory_at_boot: True if machines send an M when they start; False if once a day at any time.
    """

    lost_logoffs: float = 0.06
    crashes: float = 0.005
    duplicates: float = 0.01
    outages: int = 4
    wrong_clocks: bool = True
    inventory_at_boot: bool = True


ORDINARY: Final = Habits()
HONEST: Final = Habits(lost_logoffs=0.0, crashes=0.0, outages=0, wrong_clocks=False)
"""A school in which every logon and logoff reaches the server, with the right time. Some events come twice."""
