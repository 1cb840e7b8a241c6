"""Write values as newline-delimited JSON: one value a line. Pure: knows neither HTTP nor what the values mean."""

from collections.abc import Iterable, Mapping

import orjson


def lines(values: Iterable[Mapping[str, object]]) -> bytes:
    """Return each value as a line of JSON that ends with LF.

    Raises:
        TypeError: a value holds an object that JSON has no form for.
    """
    return b"".join(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE) for value in values)
