"""Check that a server runs, answers its commands, and stores events."""

from collections.abc import Iterator
from datetime import datetime

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import AS_ANOTHER_USER, Finding, fine, unseen


def check(context: Context) -> Iterator[Finding]:
    """Find out that no server runs, that it does not answer, or that it cannot store events."""
    state, why = context.server.state, context.server.why
    if state == "runs":
        yield _writing(context)
    elif state == "absent":
        yield Finding(
            "fault",
            "no server runs with this database",
            "workstations try for some seconds, then they drop their event: logons are lost",
            "sudo systemctl start winlogd, and look into its log: journalctl -u winlogd",
        )
    elif state == "silent":
        yield Finding(
            "fault",
            f"the running server does not answer: {why}",
            "it may be stopped or stuck, and then workstations get no answer either",
            "look into its log: journalctl -u winlogd; sudo systemctl restart winlogd",
        )
    elif state == "other":
        yield Finding(
            "fault",
            f"the running server does not know this command's question: {why}",
            "it was started before an upgrade, and still runs the older program",
            "sudo systemctl restart winlogd",
        )
    else:
        yield unseen("the server", why, AS_ANOTHER_USER)


def _writing(context: Context) -> Finding:
    told = context.server.refusals
    if told["why_not"] is None:
        return fine("it runs, answers, and stores events")
    since = datetime.fromtimestamp(told["why_not_since"], context.zone)
    return Finding(
        "fault",
        f"the server cannot store events since {since:%Y-%m-%d %H:%M}: {told['why_not']}",
        "workstations get 503, and their events are lost; the server goes on by itself when the cause is gone",
        "make room if the disk is full; end the program that has locked the database: docs/operate.md, Troubleshooting",
    )
