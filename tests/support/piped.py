"""A pipe as standard error, and functions that read its lines."""

import os
import re
import select
from collections.abc import Callable


class Pipe:
    """A pipe as standard error. Nothing reads it until the test does."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def read_to_the_end(self) -> list[str]:
        """Close the writing end and return the lines."""
        self.close_writer()
        with open(self.reader, "rb", closefd=False) as stream:
            return stream.read().decode().splitlines()

    def read_until(self, enough: Callable[[bytes], bool]) -> bytes:
        """Read until `enough` returns True, and return all bytes. Fail if nothing comes for 20 s."""
        text = b""
        while not enough(text):
            assert select.select([self.reader], [], [], 20)[0], "nothing is written any more"
            text += os.read(self.reader, 1 << 16)
        return text

    def close_reader(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


def fields_of(line: str) -> dict[str, str]:
    """Return the `name=value` fields of a line without quotes."""
    return dict(re.findall(r" (\w+)=(\S+)", line))


def dropped_counts(lines: list[str]) -> list[int]:
    """Return the counts of the lines that report dropped lines."""
    return [int(fields_of(line)["count"]) for line in lines if " WARN log lines dropped " in line]
