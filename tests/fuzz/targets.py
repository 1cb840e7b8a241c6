"""The targets over octets, by name. Conversations with a running server have an engine of their own."""

from typing import Final

from tests.fuzz import bodies, configuration, log_lines, moments, requests
from tests.fuzz.target import Target

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (requests.TARGET, bodies.TARGET, moments.TARGET, configuration.TARGET, log_lines.TARGET)
}
