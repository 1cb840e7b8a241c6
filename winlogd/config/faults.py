"""Name the faults of options, in the words of `messages`. Loaded with the first fault.

This file must not know where the values come from.
"""

from typing import Any

from winlogd.config import messages as fault
from winlogd.config.kinds import Kind
from winlogd.config.sections import ENVIRONMENT_PREFIX, KINDS, OPEN_SECTIONS


def no_section(name: str, value: object) -> str:
    """Return the fault of what stands in a file like a section, and is none."""
    if name in KINDS:
        return fault.wrong_value(f"{name} = ", value, f"a section: [{name}], once", "")
    if isinstance(value, dict):
        return fault.unknown_section(name, KINDS)
    return fault.key_outside(name, KINDS)


def quoted(variable: str, text: str, expected: Kind[Any]) -> str:
    """Return the fault of a variable whose value, `text`, has quotes that a shell would have removed."""
    describe = fault.quoted_secret if expected.is_secret else fault.quoted_value
    return describe(f"{variable}=", text)


def unknown_variable(variable: str) -> str:
    """Return the fault of a variable that has winlogd's prefix and is no option."""
    return fault.unknown_variable(variable, ENVIRONMENT_PREFIX, KINDS, OPEN_SECTIONS)


def not_allowed(name: str, value: object, expected: Kind[Any], detail: str, default: object = None) -> str:
    """Return the fault of a value.

    Args:
        name: the option and the sign of equality, as its source writes them.
        value: the value that is not allowed.
        expected: its kind.
        detail: what exactly is wrong; empty if the value shows that.
        default: a value of the right type, if the file's quotes may be wrong; None for the text of a variable.
    """
    if expected.is_secret:
        return fault.wrong_secret(name, expected.allowed)
    if default is not None:
        detail = detail or fault.quotes_detail(value, default)
    return fault.wrong_value(name, value, expected.allowed, detail)
