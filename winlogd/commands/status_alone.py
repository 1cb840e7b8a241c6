"""What the files of a database tell while no server runs. They are only read.

This file loads SQLite; therefore it is imported only if no server is running.
"""

import time
from collections.abc import Mapping
from typing import Any

from winlogd.commands.reader import answer_to
from winlogd.commands.terminal import FailedError
from winlogd.config.sections import Config
from winlogd.daemon.site import site_of
from winlogd.daemon.stored import beside, stored


def told_by_files(config: Config, path: str) -> Mapping[str, Any]:
    """Return the fields of ``winlogd status`` that the files at and beside the database at `path` tell.

    What cannot be read is missing, and the field `fault` says why.
    """
    now_us = time.time_ns() // 1000
    fields = beside(config, path, now_us)
    question = stored(config, site_of(config), path, now_us)
    try:
        return {**fields, **answer_to(config, path, "status", question, is_repeatable=True)}
    except FailedError as error:
        return {**fields, "fault": str(error) if fields["fault"] is None else f"{fields['fault']}; {error}"}
