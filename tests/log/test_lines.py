"""The form of the log's lines. No text can make a line say something else."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winlogd.log.form import FORMATS
from winlogd.log.json_lines import as_json
from winlogd.log.lines import Record, compact, full

TIME_NS = 1_795_249_800_123_456_789  # 2026-11-21T08:30:00.123456789Z

any_text = st.text(st.characters())  # lone surrogates too
a_name = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
any_rows = st.integers(0, 4).flatmap(lambda fields: st.lists(st.tuples(*[any_text] * fields), min_size=1, max_size=4))


def record(message: str = "event stored", **fields: object) -> Record:
    return Record(TIME_NS, "INFO", "store", message, tuple(fields), [tuple(fields.values())])


def with_rows(rows: list[tuple[object, ...]], message: str = "event stored") -> Record:
    names = tuple(f"f{i}" for i in range(len(rows[0])))
    return Record(TIME_NS, "INFO", "store", message, names, rows)


def unquoted(word: str) -> str:
    if not word.startswith('"'):
        return word
    escapes = {"n": "\n", "r": "\r", "t": "\t"}

    def character(match: re.Match[str]) -> str:
        name = match[1]
        return chr(int(name[1:], 16)) if len(name) > 1 else escapes.get(name, name)

    return re.sub(r"\\(x..|u....|U.{8}|.)", character, word[1:-1])


def read_compact(line: str) -> tuple[str, dict[str, str]]:
    """Return the message and the fields of a line, read as `compact` promises."""
    _, _, rest = line.split(" ", 2)
    quoted = r'"(?:[^"\\]|\\.)*"'
    message = re.match(rf'{quoted}(?= |$)|[^="]*(?= [^ ="]+=)|[^="]*$', rest)
    assert message, line
    fields = rest[message.end() :]
    assert re.fullmatch(rf'(?: [^ ="\\]+=(?:{quoted}|[^ ="\\]+))*', fields), line
    pairs = re.findall(rf' ([^ ="\\]+)=({quoted}|[^ ="\\]+)', fields)
    return unquoted(message[0]), {name: unquoted(value) for name, value in pairs}


def the_line(lines: bytes) -> str:
    """Return the only line in `lines`, after a check that a terminal obeys no part of it."""
    text = lines.decode()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    return text[:-1]


def test_compact_is_time_level_message_and_fields() -> None:
    line = compact(record(id=42, user="alice", os="Windows 11"))
    assert line == b'2026-11-21T08:30:00.123Z INFO event stored id=42 user=alice os="Windows 11"\n'


def test_full_adds_microseconds_and_the_target() -> None:
    assert full(record(id=42)) == b"2026-11-21T08:30:00.123456Z INFO store: event stored id=42\n"


def test_json_is_one_object_a_line() -> None:
    assert as_json(record(id=42, user="alice")) == (
        b'{"time":"2026-11-21T08:30:00.123456Z","level":"INFO","target":"store","message":"event stored",'
        b'"id":42,"user":"alice"}\n'
    )


@pytest.mark.parametrize("form", FORMATS)
def test_an_occurrence_without_fields_has_a_line(form: str) -> None:
    line = the_line(FORMATS[form](record()))
    assert json.loads(line)["message"] == "event stored" if form == "json" else line.endswith("event stored")


@pytest.mark.parametrize("form", FORMATS)
def test_each_row_has_a_line(form: str) -> None:
    rows: list[tuple[object, ...]] = [(1, "alice"), (2, "bob b"), (3, None)]
    lines = FORMATS[form](with_rows(rows)).decode().splitlines()
    together = [FORMATS[form](with_rows([row])).decode().rstrip("\n") for row in rows]
    assert lines == together
    assert len(lines) == 3


@pytest.mark.parametrize("form", FORMATS)
def test_a_field_that_is_none_is_left_out(form: str) -> None:
    assert b"host" not in FORMATS[form](record(host=None, user="alice"))
    assert b"alice" in FORMATS[form](record(host=None, user="alice"))


def test_printable_characters_of_any_alphabet_stay_as_they_are() -> None:
    assert "user=Jérôme" in compact(record(user="Jérôme")).decode()
    assert '"user":"Jérôme"' in as_json(record(user="Jérôme")).decode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\r\nb", r'"a\r\nb"'),
        ("\x1b[31m", r'"\x1b[31m"'),
        ("\x7f\x9b", r'"\x7f\x9b"'),
        ("\u2028\u202e", r'"\u2028\u202e"'),
        ("\ud800", r'"\ud800"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("100%", "100%"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
    ],
)
def test_compact_writes_a_value_so(value: object, written: str) -> None:
    assert the_line(compact(record(v=value))).endswith(f"event stored v={written}")


@given(any_rows, any_text)
@example([("None", "True")], "a=b")
@example([("", "a"), ("a", "")], "")
@example([("a b=c", "\n")], "two\nlines")
@example([("é", "\x85")], ' "')
def test_any_text_reads_back_from_compact(rows: list[tuple[object, ...]], message: str) -> None:
    lines = compact(with_rows(rows, message)).decode().removesuffix("\n").split("\n")
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.isprintable()
        read_message, fields = read_compact(line)
        assert read_message == message
        assert tuple(fields.values()) == row


@given(any_rows, any_text)
@example([("\ud800", "\u2028")], "\x9b")
@example([("\U000e0001",)], "\u202e")
def test_any_text_reads_back_from_json(rows: list[tuple[object, ...]], message: str) -> None:
    lines = as_json(with_rows(rows, message)).decode().removesuffix("\n").split("\n")
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        assert line.isprintable()
        fields = json.loads(line)
        assert fields["message"] == joined_surrogates(message)
        assert tuple(fields[f"f{i}"] for i in range(len(row))) == tuple(map(joined_surrogates, row))


def joined_surrogates(text: object) -> str:
    """Return `text` with pairs of surrogates joined: JSON has the same escapes for a pair and for its character."""
    assert isinstance(text, str)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@given(st.sampled_from(sorted(FORMATS)), any_text, any_text, any_text)
def test_no_name_target_or_message_makes_a_second_line(form: str, target: str, message: str, name: str) -> None:
    the_line(FORMATS[form](Record(TIME_NS, "INFO", target, message, (name,), [("value",)])))


@given(st.lists(st.sampled_from(["time", "_time", "level", "message", "user"]), max_size=6))
def test_in_json_no_field_hides_another(names: list[str]) -> None:
    row: tuple[object, ...] = tuple(range(len(names)))
    line = json.loads(as_json(Record(TIME_NS, "INFO", "store", "event stored", tuple(names), [row])))
    assert list(line)[:4] == ["time", "level", "target", "message"]
    assert line["message"] == "event stored"
    assert list(line.values())[4:] == list(row)
    assert all(key.lstrip("_") == name.lstrip("_") for key, name in zip(list(line)[4:], names, strict=True))


class Mute:
    """A value whose `__str__` raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "value",
    [Mute(), 10**30, 10**5000, float("nan"), b"\x00\n", ["a\nb"], {1: "\n"}, {"k": Mute()}, object, "\ud800"],
    ids=lambda value: type(value).__name__,
)
def test_an_odd_value_makes_one_line_and_the_others_stay_whole(form: str, value: object) -> None:
    line = the_line(FORMATS[form](record(before="a b", odd=value, after=7)))
    if form == "json":
        fields = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert (fields["before"], fields["after"]) == ("a b", 7)
    else:
        assert 'before="a b" odd=' in line
        assert line.endswith(" after=7")


def test_an_integer_beyond_64_bits_keeps_its_digits_in_json() -> None:
    assert json.loads(as_json(record(v=10**30)))["v"] == "1" + "0" * 30


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("row", [("only",), ("a", "b", "too many")])
def test_a_row_of_another_length_than_its_names_still_makes_a_line(form: str, row: tuple[object, ...]) -> None:
    line = the_line(FORMATS[form](Record(TIME_NS, "INFO", "store", "event stored", ("x", "y"), [row])))
    assert str(row[0]) in line


def test_the_time_is_cut_to_its_digits_not_rounded() -> None:
    last_ns = 1_795_249_800_999_999_999
    line = compact(Record(last_ns, "INFO", "store", "m", (), [()]))
    assert line == b"2026-11-21T08:30:00.999Z INFO m\n"
