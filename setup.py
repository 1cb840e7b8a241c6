"""Builds from the sources alone, and the same octets from the same sources.

Everything else about the package stands in pyproject.toml. setuptools copies what it packs into build/ first, and packs
whatever lies there: a module that was deleted since the last build in this folder would be installed again. It also
packs the modes, owners and times of files, which differ from clone to clone.
"""

import glob
import gzip
import os
import shutil
import tarfile

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist


class BuildFromSources(build_py):
    """Removes what an earlier build, finished or not, has left to be packed, then copies the sources."""

    def run(self) -> None:
        """Run before any other step of a build writes to these folders."""
        base = glob.escape(self.get_finalized_command("build").build_base)
        for folder in (*glob.glob(os.path.join(base, "lib*")), *glob.glob(os.path.join(base, "bdist.*"))):
            shutil.rmtree(folder)
        super().run()


class WheelOfEqualModes(bdist_wheel):
    """Packs every file with the mode 0644. The times are SOURCE_DATE_EPOCH, if that is set."""

    def write_wheelfile(self, folder: str, *others: str) -> None:
        """Write the file WHEEL, the last one before setuptools packs all, and set the modes."""
        super().write_wheelfile(folder, *others)
        for parent, _, names in os.walk(self.bdist_dir):
            for name in names:
                os.chmod(os.path.join(parent, name), 0o644)


class EqualSdist(sdist):
    """Packs every file with the mode 0644 or 0755, the owner root, and the time SOURCE_DATE_EPOCH, if that is set."""

    def make_archive(self, base_name: str, format: str, *others: object, base_dir: str, **owner: object) -> str:
        """Pack the folder `base_dir`. Return the path of the archive."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        if format != "gztar" or epoch is None:
            return str(super().make_archive(base_name, format, *others, base_dir=base_dir, **owner))

        def equal(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mtime = int(epoch)
            return member

        path = f"{base_name}.tar.gz"
        with (
            open(path, "wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=int(epoch)) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            archive.add(base_dir, filter=equal)
        return path


setup(cmdclass={"build_py": BuildFromSources, "bdist_wheel": WheelOfEqualModes, "sdist": EqualSdist})
