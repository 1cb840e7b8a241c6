"""Where the repository is, the recorded data that tests read, and the programs that check the pages."""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DATA: Final = ROOT / "tests" / "data"
NODE_MODULES: Final = Path(os.environ.get("PAGES_NODE_MODULES", ROOT / "tests" / "web" / "node_modules"))
"""Where npm has installed what tests/web/package.json names. `.ci/run` installs it outside the tree."""
NO_NODE_MODULES: Final = "needs npm install in tests/web"
"""Why a test is skipped that finds nothing there."""
