"""A person who is to be forgotten, as the command has found them. This file must not know what is done with them."""

from typing import NamedTuple

from winlogd.store.read.identities import Use, Wanted


class Person(NamedTuple):
    """Who is meant.

    Attributes:
        wanted: the name and the span.
        uses: the names in the database, with their uses.
        uses_in_files: the same in replaced and rescued files. These have most events of the database once more.
        files: replaced and rescued files beside the database.
        unreadable: those of them that cannot be read, with the reason.
    """

    wanted: Wanted
    uses: list[Use]
    uses_in_files: list[Use]
    files: list[str]
    unreadable: list[str]

    @property
    def names(self) -> list[str]:
        """Return the names, folded."""
        return sorted({use.name for use in (*self.uses, *self.uses_in_files)})

    @property
    def uses_only_in_files(self) -> list[Use]:
        """Return the uses of names that the database does not have."""
        known = {use.name for use in self.uses}
        return [use for use in dict.fromkeys(self.uses_in_files) if use.name not in known]

    @property
    def spellings(self) -> set[str]:
        """Return all ways in which they are written."""
        return {spelling for use in (*self.uses, *self.uses_in_files) for spelling in use.spellings}
