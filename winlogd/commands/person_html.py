"""The file about one person as a page: one file that opens in any browser, offline, and runs nothing.

All text of others is made visible and escaped, and stands in ``<bdi>``. This file must not know where the rows come
from.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import orjson

from winlogd import VERSION
from winlogd.api.reading import Row
from winlogd.commands.letters import visible
from winlogd.commands.person_file import About, Write
from winlogd.commands.person_looks import COMMAND
from winlogd.commands.person_words import WORDS, Kind, Words

_STYLE: Final = """\
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; color: #1b2430; background: #fff;
  font: 1rem/1.5 system-ui, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p, li { max-width: 46rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { border-bottom: 1px solid #d8dde4; padding: .3rem .75rem .3rem 0; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
td { min-width: 4.5rem; }
th { color: #556070; font-weight: 600; overflow-wrap: normal; }
td.time { white-space: nowrap; overflow-wrap: normal; }
pre { margin: .25rem 0 0; white-space: pre-wrap; }
summary { cursor: pointer; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
@page { size: A4 landscape; margin: 1.2cm; }
@media print { body { margin: 0; max-width: none; padding: 0; } }"""
_HEAD: Final = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
"""
_MINUTE_S: Final = 60
_HOUR_S: Final = 3_600
_SECONDS: Final = 19
"""The characters of a time up to its seconds."""


class PersonHtml:
    """The page.

    Args:
        about: what it is about.
        write: takes the octets.
    """

    def __init__(self, about: About, write: Write) -> None:
        self._about: Final = about
        self._words: Final = WORDS[about.language]
        self._write: Final = write
        self._kind: Kind | None = None
        self._has_rows = False

    def begin(self) -> None:
        """Write the head, and what the file is."""
        about, words = self._about, self._words
        head = _HEAD.format(
            language=about.language, title=escape(words.title.format(name=visible(about.name))), style=_STYLE
        )
        name = _bdi(about.name)
        texts = [f"<h1>{escape(words.title).format(name=name)}</h1>", *_paragraphs(about, words, name)]
        facts = (f"<li>{escape(each)}</li>" for each in _facts(about, words))
        texts += [f"<h2>{escape(words.facts)}</h2>", "<ul>", *facts, "</ul>"]
        self._put(head + "\n".join(texts) + "\n")

    def begin_section(self, kind: Kind) -> None:
        """End the section before, and write the next one's heading."""
        self._end_section()
        section = self._words.sections[kind]
        self._kind, self._has_rows = kind, False
        self._put(f"<h2>{escape(section.title)}</h2>\n<p>{escape(section.about)}</p>\n")

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows of the table."""
        if not rows or self._kind is None:
            return
        if not self._has_rows:
            self._has_rows = True
            titles = "".join(f"<th>{escape(each)}</th>" for each in self._words.sections[self._kind].columns)
            self._put(f"<table>\n<thead><tr>{titles}</tr></thead>\n<tbody>\n")
        cells_of = _CELLS[self._kind]
        self._put("".join(f"<tr>{''.join(cells_of(row, self._words))}</tr>\n" for row in rows))

    def end(self) -> None:
        """Write what is after the last table."""
        self._end_section()
        self._put("</body>\n</html>\n")

    def _end_section(self) -> None:
        if self._kind is not None:
            empty = escape(self._words.sections[self._kind].empty)
            self._put("</tbody>\n</table>\n" if self._has_rows else f"<p>{empty}</p>\n")

    def _put(self, text: str) -> None:
        self._write(text.encode("utf-8", "replace"))


def _paragraphs(about: About, words: Words, name: str) -> Iterator[str]:
    """Yield what stands below the heading."""
    span = words.spans[(about.first is not None) + 2 * (about.last is not None)]
    yield f"<p>{escape(words.made.format(at=about.made_at, zone=about.zone, version=VERSION))}"
    yield f"{escape(span.format(first=about.first, last=about.last))}"
    yield f"{escape(words.others)} {escape(words.exact[about.is_exact]).format(name=name)}</p>"
    if about.history != "complete":
        yield f"<p><strong>{escape(words.building.format(history=about.history))}</strong></p>"


def _facts(about: About, words: Words) -> Iterator[str]:
    yield words.source
    yield words.proof
    yield words.kept_for_ever if about.kept_days is None else words.kept.format(days=about.kept_days)
    yield words.looks_kept.format(days=about.looks_kept_days)
    yield words.elsewhere
    yield words.rights


def _session(row: Row, words: Words) -> Iterator[str]:
    yield _time(row["connected_at"])
    is_known = row["ended_by"] == "client"
    missing = words.still_open if row["state"] == "open" else words.not_known
    yield _time(row["disconnected_at"]) if is_known else _cell(missing)
    yield _cell("" if row["state"] == "open" else _lasted(row["duration_seconds"]) or words.not_known)
    for column in ("hostname", "room", "username", "source_ip"):
        yield _foreign(row[column])
    yield _foreign(_joined(row["os_name"], row["os_version"]))
    yield _cell(_certainty(str(row["certainty"]), row["doubt"], words))


def _report(row: Row, words: Words) -> Iterator[str]:
    yield _time(row["server_timestamp"])
    yield _time(row["timestamp"])
    action, origin = str(row["action"]), words.origins.get(str(row["origin"]))
    said = escape(words.actions.get(action, action)) + (f" ({escape(origin)})" if origin else "")
    yield f"<td>{said}{_inventory(row['hardware_info'], words)}</td>"
    for column in ("hostname", "username", "source_ip"):
        yield _foreign(row[column])
    yield _foreign(_joined(row["os_name"], row["os_version"], row["kernel_version"]))
    yield _foreign(row["session_uuid"])


def _look(row: Row, words: Words) -> Iterator[str]:
    yield _time(row["looked_at"])
    yield _cell(words.reader.format(number=row["reader"]))
    role, kind = str(row["role"]), str(row["look"])
    yield _cell(words.a_command if role == COMMAND else words.roles.get(role, ""))
    yield _cell(words.kinds.get(kind, kind))


def _account(row: Row, words: Words) -> Iterator[str]:
    yield _foreign(row["username"])
    yield _cell(str(row["sessions"]))
    yield _cell(str(row["reports"]))
    yield _time(row["first_received"])
    yield _time(row["last_received"])


_CELLS: Final = {"sessions": _session, "events": _report, "looks": _look, "names": _account}
"""The cells of a row, by its section."""


def _certainty(certainty: str, doubt: object, words: Words) -> str:
    if certainty == "doubtful" and doubt is not None:
        return words.doubtful.format(doubt=words.doubts.get(str(doubt), str(doubt)))
    return words.certainties.get(certainty, certainty)


def _inventory(hardware: object, words: Words) -> str:
    """Return an inventory that a reader of the page can open; nothing for none."""
    if hardware is None:
        return ""
    try:
        text = orjson.dumps(orjson.loads(str(hardware)), option=orjson.OPT_INDENT_2).decode()
    except ValueError:  # another program has written it
        text = str(hardware)
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return f"<details><summary>{escape(words.hardware)}</summary><pre><bdi>{escape(lines)}</bdi></pre></details>"


def _joined(*parts: object) -> str | None:
    return " ".join(str(part) for part in parts if part is not None) or None


def _lasted(seconds: object) -> str:
    """Return a duration as hours, minutes and seconds; empty for none."""
    if not isinstance(seconds, int | float):
        return ""
    whole = int(seconds)
    return f"{whole // _HOUR_S}:{whole // _MINUTE_S % _MINUTE_S:02}:{whole % _MINUTE_S:02}"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _foreign(value: object) -> str:
    """Return a cell with a text that came from outside."""
    return "<td></td>" if value is None else f"<td>{_bdi(str(value))}</td>"


def _bdi(text: str) -> str:
    return f"<bdi>{escape(visible(text))}</bdi>"


def _time(value: object) -> str:
    """Return a cell with a time to the second, and the whole text for whoever points at it."""
    if value is None:
        return "<td></td>"
    text = visible(str(value))
    return f'<td class="time" title="{escape(text)}">{escape(text[:_SECONDS].replace("T", " "))}</td>'
