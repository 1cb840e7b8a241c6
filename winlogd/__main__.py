"""Run the command line of `winlogd.cli` for ``python -m winlogd``."""

import sys

from winlogd.cli import main

if __name__ == "__main__":
    sys.exit(main())
