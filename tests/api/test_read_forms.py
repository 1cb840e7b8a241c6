"""Lists as CSV and as lines of JSON: exact, whole, and harmless in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.questions import at, sent
from tests.support.running import Answer, Winlogd
from tests.support.served import found, get, served
from winlogd.api.session_fields import FIELDS
from winlogd.transfer import csv_text

NAMES: Final = (
    *("a,b", 'a"b', '"', "a;b", "'a", "=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1", "＝1", "a=1", "1", "", "null"),
    *("\u202eabc", "a\u2028b", "Élodie", "\U0001f600", '","', "=cmd|' /C calc'!A0", "\ufeff"),
)
"""Users. The empty name stands for an event without a host."""
HARMLESS: Final = {"=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u00a0=1", "＝1", "=cmd|' /C calc'!A0"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Winlogd]:
    events = [sent(at(1, 8) + n, name or "nobody", "C", name) for n, name in enumerate(NAMES)]
    with served(tmp_path_factory.mktemp("site"), events) as server:
        server.execute(
            "UPDATE events_today SET kernel_version = 'a' || char(13, 10) || '=b' || char(9, 0) WHERE id = 1"
        )
        yield server


def as_cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Return rows of JSON as the cells that a CSV has."""

    def cell(value: object) -> str:
        text = ("" if value is None else str(value)).replace("\n=", "\n'=")
        return f"'{text}" if isinstance(value, str) and text.strip()[:1] in ("=", "+", "-", "@", "＝") else text

    return [[cell(value) for value in row.values()] for row in rows]


def read(answer: Answer, delimiter: str = ",") -> list[list[str]]:
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    return list(csv.reader(io.StringIO(answer.body.decode(), newline=""), delimiter=delimiter, strict=True))


@pytest.mark.parametrize("path", ["sessions", "events"])
def test_csv_has_the_cells_of_the_json(path: str, site: Winlogd) -> None:
    rows = found(site, path, limit=1000)[path]
    head, *cells = read(get(site, path, format="csv"))
    assert head == list(rows[0])
    assert cells == as_cells(rows)
    assert len(cells) == len(NAMES)


def test_csv_is_of_rfc_4180(site: Winlogd) -> None:
    body = get(site, "sessions", format="csv", user='a"b').body.decode()
    head, line, end = body.split("\r\n")
    assert head == ",".join(FIELDS)
    assert line.startswith('"a""b","a""b",')
    assert end == ""
    [kernel] = [row[9] for row in read(get(site, "events", format="csv", user="a,b"))[1:]]
    assert kernel == "a\r\n'=b\t\0"


def test_no_cell_begins_as_a_formula(site: Winlogd) -> None:
    cells = {row[0] for row in read(get(site, "sessions", format="csv"))[1:]}
    assert {f"'{name}" for name in HARMLESS} <= cells
    assert not HARMLESS & cells
    assert {"a=1", "1", "'a"} <= cells


def test_french_spreadsheets_get_their_separator_and_a_mark(site: Winlogd) -> None:
    answer = get(site, "sessions", format="csv", lang="fr")
    assert answer.body.startswith(b"\xef\xbb\xbfusername;hostname;")
    head, *cells = read(answer, ";")
    assert head[1:] == list(FIELDS[1:])
    assert cells == as_cells(found(site, "sessions")["sessions"])
    assert b'"a;b"' in answer.body
    assert b"\r\na,b;" in answer.body


@pytest.mark.parametrize("path", ["sessions", "events"])
def test_a_line_of_json_is_a_row(path: str, site: Winlogd) -> None:
    answer = get(site, path, format="ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = answer.body.split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line) for line in lines] == found(site, path, limit=1000)[path]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_limit_and_a_cursor_hold_for_a_download_too(form: str, site: Winlogd) -> None:
    page = found(site, "sessions", limit=5)
    begin = form == "csv"
    rest = get(site, "sessions", format=form, cursor=page["next"]).body.decode().splitlines()
    assert len(get(site, "sessions", format=form, limit=5).body.decode().splitlines()) == 5 + begin
    assert len(rest) >= len(NAMES) - 5 + begin


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_empty_list_has_no_rows(form: str, site: Winlogd) -> None:
    body = get(site, "sessions", format=form, user="zz").body.decode()
    assert body == (",".join(FIELDS) + "\r\n" if form == "csv" else "")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("text/csv", "text/csv"),
        ("TEXT/CSV; header=present", "text/csv"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("text/csv, application/json", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
        ("application/json;q=0.2, application/x-ndjson;q=0.3", "application/x-ndjson"),
        ("text/csv;q=0", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
        ("text/csv;q=x", "text/csv"),
        (",;,", "application/json"),
    ],
)
def test_accept_chooses_the_form(accept: str, media: str, site: Winlogd) -> None:
    assert get(site, "sessions", f"Accept: {accept}").headers["content-type"].split(";")[0] == media
    chosen = get(site, "sessions", f"Accept: {accept}", format="ndjson")
    assert chosen.headers["content-type"] == "application/x-ndjson"


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (("a", 1, 1.5, None, True, False), "a,1,1.5,,true,false\r\n"),
        ((-300, "-300"), "-300,'-300\r\n"),
        (("\t=1", "\r=1"), "'\t=1,\"'\r'=1\"\r\n"),
        (("",), "\r\n"),
    ],
)
def test_a_cell_is_written(cells: tuple[csv_text.Cell, ...], line: str) -> None:
    assert csv_text.line(cells, ",") == line
