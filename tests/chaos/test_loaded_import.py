"""An import and exports beside events lose and double no row and no event."""

import asyncio
from pathlib import Path

import pytest

from tests.chaos.loaded_import import run


@pytest.mark.alone
@pytest.mark.long
def test_rows_and_events_are_there_once_after_an_import_and_exports_beside_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asyncio.run(run(tmp_path, 300, 50, 0.5))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" of 300 rows: ")[0] for line in lines[:-1]] == [
        "import",
        "export to CSV",
        "export to lines of JSON",
        "export to SQLite",
    ]
