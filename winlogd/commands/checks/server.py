"""Check that a server runs and answers its commands."""

from collections.abc import Iterator

from winlogd.commands.checks.context import Context
from winlogd.commands.checks.finding import Finding, fine, unseen


def check(context: Context) -> Iterator[Finding]:
    """Find out that no server runs, or that it does not answer."""
    state, why = context.server.state, context.server.why
    if state == "runs":
        yield fine("it runs, and answers")
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
        yield unseen("the running server", why, "run this as root, or as the user that winlogd runs as; or again later")
