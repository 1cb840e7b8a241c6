"""Check for how long the archive is kept."""

from collections.abc import Iterator, Mapping

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine
from winlogd.commands.checks.looked import Looked
from winlogd.config.sections import Config
from winlogd.store.file.marks import TAKEN_OVER, WAITS
from winlogd.store.past.kept import FOR_EVER, kept_value


def check(context: Context, looked: Looked) -> Iterator[Finding]:
    """Find a database that was taken over, and for which nobody has decided how long it is kept."""
    value = _value(context.config, looked.marks)
    if value == WAITS:
        yield Finding(
            "note",
            "the archive is kept for ever, because it was taken over from an older server",
            "data of people is to be kept only as long as it is needed; 6 to 12 months are usual",
            "set retention.history_days, also to its default of 365, and reload: docs/operate.md, Retention",
        )
    elif value == FOR_EVER:
        yield Finding(
            "note",
            "the archive is kept for ever: retention.history_days is 0",
            "data of people is to be kept only as long as it is needed; 6 to 12 months are usual",
            "set retention.history_days: docs/operate.md, Retention",
        )
    else:
        yield fine(f"the archive is kept for {value} days")


def kept_days(config: Config, marks: Mapping[str, str]) -> int | None:
    """Return after how many days a session is deleted; None for never."""
    value = _value(config, marks)
    return None if value in (WAITS, FOR_EVER) else int(value)


def _value(config: Config, marks: Mapping[str, str]) -> str:
    return kept_value(config.retention.history_days, config.retention.is_chosen, TAKEN_OVER in marks)
