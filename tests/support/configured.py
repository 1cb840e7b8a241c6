"""A config.toml in a test's folder and variables beside it: the configuration they make, or what is wrong with them."""

from pathlib import Path

import pytest

from winlogd.config.load import ConfigError, load
from winlogd.config.sections import Config

SECTION_LIST = "[server], [database], [rotation], [security], [limits], [logging]"
"""All sections, as a fault lists them."""


def from_toml(folder: Path, text: str, **environ: str) -> Config:
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return load(None, environ)


def faults_of(folder: Path, text: str, **environ: str) -> list[str]:
    """What is wrong with a file, without the file's name in front."""
    with pytest.raises(ConfigError) as caught:
        from_toml(folder, text, **environ)
    return [line.removeprefix("config.toml: ") for line in caught.value.faults]
