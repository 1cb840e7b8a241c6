"""Loads a config.toml and variables of the environment: the configuration, or its faults."""

from pathlib import Path

import pytest

from winlogd.config.load import ConfigError, load
from winlogd.config.sections import Config

SECTION_LIST = (
    "[server], [database], [rotation], [backup], [retention], [security], [rooms], [sessions], [periods], [privacy],"
    " [limits], [logging]"
)
"""All sections, in the form in which a fault lists them."""


def from_toml(folder: Path, text: str, **environ: str) -> Config:
    """Return the configuration of a config.toml with this text. The working directory must be `folder`."""
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load(None, environ)


def faults_of(folder: Path, text: str, **environ: str) -> list[str]:
    """Return the faults of a config.toml with this text, without the file's name in front."""
    with pytest.raises(ConfigError) as caught:
        from_toml(folder, text, **environ)
    return [line.removeprefix("config.toml: ") for line in caught.value.faults]


def verdict_of(printed: str) -> str:
    """Return what ``winlogd check-config`` prints above the table of who may read what."""
    verdict, table = printed.split("\n\n")
    assert table.startswith("WHO ")
    return f"{verdict}\n"
