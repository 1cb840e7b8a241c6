"""A person who is to be forgotten, as the command has found them. This file must not know what is done with them."""

from typing import NamedTuple

from winlogd.store.read.identities import Use, Wanted


class Person(NamedTuple):
    """Who is meant.

    Attributes:
        wanted: the name and the span.
        uses: the names that were found, with their uses.
        files: replaced and rescued files beside the database.
        unreadable: those of them that cannot be read, with the reason.
    """

    wanted: Wanted
    uses: list[Use]
    files: list[str]
    unreadable: list[str]

    @property
    def names(self) -> list[str]:
        """Return the names, folded."""
        return sorted({use.name for use in self.uses})

    @property
    def spellings(self) -> set[str]:
        """Return all ways in which they are written."""
        return {spelling for use in self.uses for spelling in use.spellings}
