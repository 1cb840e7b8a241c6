"""Reports of hardware as a site's own client may send them: with disks and serial numbers, and a change."""

from typing import Any, Final

from tests.support.questions import at, sent
from tests.support.school_clients import Sent

RICH_HOST: Final = "A101-03"
"""This machine reports more than the others, and has got another disk since its first report."""


def _rich(disk: str, size: int) -> dict[str, Any]:
    return {
        "cpu_brand": "Intel(R) Core(TM) i5-10500 CPU @ 3.10GHz",
        "cpu_count": 12,
        "cpu_frequency": 3100,
        "memory_total": 17_028_870_144,
        "memory_used": 4_123_402_240,
        "disks": [{"model": disk, "size": size, "ssd": True}],
        "serial": "CZC1234XYZ",
        "manufacturer": "HP",
        "network": [{"name": "<b>eth0</b>", "mac": "00:1b:44:11:3a:b7"}],
    }


def reports() -> list[Sent]:
    """Return the reports of `RICH_HOST`."""
    return [
        sent(at(1, 8), "SYSTEM", "M", RICH_HOST, hardware=_rich("WDC WD10EZEX", 1_000_204_886_016)),
        sent(at(1, 9.5), "SYSTEM", "M", RICH_HOST, hardware=_rich("Samsung SSD 870", 500_107_862_016)),
    ]
