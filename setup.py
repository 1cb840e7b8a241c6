"""Builds from the sources alone.

Everything else about the package stands in pyproject.toml. setuptools copies what it packs into build/ first, and packs
whatever lies there: a module that was deleted since the last build in this folder would be installed again.
"""

import glob
import os
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildFromSources(build_py):
    """Removes what an earlier build, finished or not, has left to be packed, then copies the sources."""

    def run(self) -> None:
        """Run before any other step of a build writes to these folders."""
        base = glob.escape(self.get_finalized_command("build").build_base)
        for folder in (*glob.glob(os.path.join(base, "lib*")), *glob.glob(os.path.join(base, "bdist.*"))):
            shutil.rmtree(folder)
        super().run()


setup(cmdclass={"build_py": BuildFromSources})
