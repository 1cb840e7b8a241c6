"""Notes the statements that a connection executes."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw


@contextmanager
def noted(connection: apsw.Connection) -> Iterator[list[str]]:
    """Note the statements that `connection` begins inside the block."""
    statements: list[str] = []

    def note(cursor: object, sql: str, bindings: object) -> bool:
        statements.append(sql)
        return True

    connection.exec_trace = note
    try:
        yield statements
    finally:
        connection.exec_trace = None
