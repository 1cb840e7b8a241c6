"""Import a staging file into a database that no server uses, and build what follows from it for the past.

The caller owns the database. It must not know the control socket.
"""

import apsw

from winlogd.commands.forget_alone import forget_again, known_at
from winlogd.commands.terminal import FailedError, ProgressLine
from winlogd.config.sections import Config
from winlogd.daemon.deleting import forgotten_now
from winlogd.daemon.settings import settings_of
from winlogd.store.errors import LowSpaceError, ReplacedError, RowsLostError, UnusableError
from winlogd.store.file.marks import FORGOTTEN, NO_MARK
from winlogd.store.imported.staging import StagingError, staging_path
from winlogd.store.jobs.alone import run_alone
from winlogd.store.jobs.build import Build
from winlogd.store.jobs.hours import Hours
from winlogd.store.jobs.mark import SetMark
from winlogd.store.jobs.steps import ALONE
from winlogd.store.jobs.take_over import TakeOver


def taken_over(config: Config, path: str, digits: str) -> str:
    """Import into the database at `path`, a real path. Return a sentence that says how many rows were imported.

    Who was forgotten is forgotten again.

    Raises:
        FailedError: the import failed before its end. What was imported stays.
    """
    settings, line, known = settings_of(config, path), ProgressLine(), known_at(path)
    try:
        if known.last:  # first: after a kill the next start of the server applies all
            run_alone(SetMark(FORGOTTEN, NO_MARK), settings)
        sentence = run_alone(TakeOver(staging_path(path, digits), ALONE), settings, line.show).sentence
        line.clear()
        forgot = forget_again(config, path, known)
        run_alone(Build(ALONE), settings, line.show)
        run_alone(Hours(ALONE), settings, line.show)
    except (UnusableError, ReplacedError, LowSpaceError, RowsLostError, StagingError, apsw.Error) as error:
        line.clear()
        raise FailedError(f"the import could not go on; run the command again, nothing comes twice: {error}") from None
    line.clear()
    return sentence + ("" if forgot is None else forgotten_now(forgot))
