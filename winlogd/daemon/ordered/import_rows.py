"""The order ``import``: bring the rows of a staging file into the archive, and build what follows from them.

Who was forgotten is forgotten again before the past is shown. The order names the digits of the staging file, and no
path. This file must not know the socket, or what a row is.
"""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.running import Running
from winlogd.store.errors import JobCutShortError
from winlogd.store.imported.staging import StagingError, staging_path
from winlogd.store.jobs.take_over import TakeOver

if TYPE_CHECKING:  # types only
    from winlogd.store.jobs.take_over import TakenOver


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have the store import. Report how far it is, and its sentence at the end."""
    try:
        path = staging_path(os.path.realpath(config.database.path), order.fields.get("staging"))
    except StagingError as error:
        order.failed(str(error))
        return

    def run(then: Callable[[], None]) -> None:
        def ended(outcome: "TakenOver | Exception") -> None:
            if not isinstance(outcome, JobCutShortError):  # also after a fault: some rows may be there
                then()
                running.parts.past.look()
            _answer(order, running, outcome)

        running.parts.store.run(TakeOver(path), ended, report)

    def report(progress: Mapping[str, int]) -> None:
        order.progress(**progress)

    def failed(error: Exception) -> None:
        order.failed(f"nothing was imported, because nobody knows who was forgotten: {error}")

    running.parts.forgetting.made().during_import(run, failed)


def _answer(order: Order, running: Running, outcome: "TakenOver | Exception") -> None:
    if isinstance(outcome, Exception):
        order.failed(f"the import did not come to its end; run the command again, nothing comes twice: {outcome}")
        return
    running.log.info("import", "imported", rows=outcome.rows, known=outcome.known)
    order.done(sentence=outcome.sentence)
