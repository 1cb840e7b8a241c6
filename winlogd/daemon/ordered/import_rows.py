"""The order ``import``: bring the rows of a staging file into the archive, and build what follows from them.

Who was forgotten is forgotten again before the past is shown, and the answer says how many rows that were. The order
names the digits of the staging file, and no path. This file must not know the socket, or what a row is.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from winlogd.config.sections import Config
from winlogd.control.server import Order
from winlogd.daemon.deleting import forgotten_now, still_there
from winlogd.daemon.running import Running
from winlogd.store.errors import JobCutShortError
from winlogd.store.imported.staging import StagingError, staging_path
from winlogd.store.jobs.take_over import TakeOver

if TYPE_CHECKING:  # types only
    from winlogd.daemon.forgetting import Then
    from winlogd.scheduled.forgetting import Applied
    from winlogd.store.jobs.take_over import TakenOver


def carry_out(order: Order, running: Running, config: Config) -> None:
    """Have the store import. Report how far it is, and its sentence at the end."""
    try:
        path = staging_path(os.path.realpath(config.database.path), order.fields.get("staging"))
    except StagingError as error:
        order.failed(str(error))
        return

    def run(then: "Then") -> None:
        def ended(outcome: "TakenOver | Exception") -> None:
            if isinstance(outcome, JobCutShortError):
                _answer(order, running, outcome, None)
            else:  # also after a fault: some rows may be there
                then(lambda applied: _answer(order, running, outcome, applied))
                running.parts.past.look()

        running.parts.store.run(TakeOver(path), ended, report)

    def report(progress: Mapping[str, int]) -> None:
        order.progress(**progress)

    def failed(error: Exception) -> None:
        order.failed(f"nothing was imported, because nobody knows who was forgotten: {error}")

    running.parts.forgetting.made().around(run, failed)


def _answer(
    order: Order, running: Running, outcome: "TakenOver | Exception", applied: "Applied | Exception | None"
) -> None:
    if isinstance(outcome, Exception):
        order.failed(f"the import did not come to its end; run the command again, nothing comes twice: {outcome}")
        return
    running.log.info("import", "imported", rows=outcome.rows, known=outcome.known)
    if isinstance(applied, Exception):
        order.failed(f"{outcome.sentence}; {still_there(applied)}")
    else:
        order.done(sentence=outcome.sentence + ("" if applied is None else forgotten_now(applied.forgot)))
