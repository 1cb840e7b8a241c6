"""Which content codings a client accepts (RFC 9110 §12.5.3). Knows a header section; not what is encoded."""

from winlogd.http.wire.message import Head


def accepts_gzip(head: Head) -> bool:
    """Return True if the client of a request accepts an answer in gzip.

    A client that names neither gzip nor ``*`` gets the plain answer, and so does one whose weight is 0 or no number.
    """
    weights: dict[str, float] = {}
    for element in ",".join(head.get_all("accept-encoding")).split(","):
        coding, _, parameter = element.partition(";")
        name, _, value = parameter.partition("=")
        weights[coding.strip(" \t").lower()] = _weight(value) if name.strip(" \t").lower() == "q" else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
