"""The docstrings are as easy to read as the pages: of modules, classes, functions, and constants."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from tests.docs.sentences import NOT_OUR_WORDS, too_long
from tests.support.paths import ROOT

FOLDERS: Final = ("winlogd", "bench")


class Docstring(NamedTuple):
    """A docstring, with its place as FILE:LINE. `of_bool` is True if it describes a function that returns a bool."""

    place: str
    text: str
    of_bool: bool


@cache
def docstrings() -> tuple[Docstring, ...]:
    """Return every docstring. That takes some 0.2 s of processor time.

    A peer of the bench is installed into a folder ``.venv`` below `bench`, which is not ours.
    """
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    files = [path for path in found if ".venv" not in path.relative_to(ROOT).parts]
    return tuple(
        Docstring(f"{path.relative_to(ROOT)}:{line}", text, of_bool)
        for path in files
        for line, text, of_bool in _docstrings_of(ast.parse(path.read_text("utf-8")))
    )


def _docstrings_of(
    parent: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[int, str, bool]]:
    result = parent.returns if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef) else None
    of_bool = isinstance(result, ast.Name) and result.id == "bool"
    for node in parent.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text, of_bool
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _docstrings_of(node)


def test_no_sentence_is_too_long() -> None:
    assert {each.place: found for each in docstrings() if (found := too_long(each.text))} == {}


def test_the_words_are_the_fields() -> None:
    assert {each.place: found for each in docstrings() if (found := re.findall(NOT_OUR_WORDS, each.text))} == {}


def test_a_function_says_when_it_returns_true() -> None:
    """``Return if the disk is full`` can be read as: end if it is full. So is ``whether``, in other languages."""
    unclear = [each for each in docstrings() if re.search(r"\bReturns? (?:if|whether)\b", each.text)]
    of_bools = [each for each in docstrings() if each.of_bool]
    unclear += [each for each in of_bools if re.search(r"\b[Ww]hether\b", each.text)]
    unclear += [each for each in of_bools if not re.search(r"\b(?:True|False)\b", each.text)]
    assert [each.place for each in unclear] == []


def test_every_kind_of_docstring_is_read() -> None:
    """Else the tests above would pass without a docstring."""
    found = {each.place.partition(":")[0] for each in docstrings()}
    assert {"winlogd/__main__.py", "winlogd/store/file/receipts.py", "bench/load/exchanges.py"} - found == set()
    kinds = "module", "class", "constant", "bool"
    module = ast.parse("'module'\nclass A:\n 'class'\n B = 1\n 'constant'\n def c() -> bool:\n  'bool'")
    assert [(text, of_bool) for _, text, of_bool in _docstrings_of(module)] == [
        (kind, kind == "bool") for kind in kinds
    ]
