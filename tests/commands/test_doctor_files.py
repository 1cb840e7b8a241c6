"""``winlogd doctor`` finds what is wrong with files: owners and modes, certificates, packages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.support.doctor import examined, make_site, set_options
from tests.support.paths import DATA
from tests.support.running import a_steady_port, running

pytestmark = pytest.mark.long  # each command is a process

OTHER: Final = 54_321
"""A user that this machine does not have."""
TOKEN: Final = "0123456789abcdef0123456789abcdef"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="missing: root")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site that no server uses."""
    return make_site(tmp_path)


@pytest.fixture
def open_site() -> Iterator[Path]:
    """The same in folders through which everybody may pass; those of pytest are closed."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield make_site(folder)


# ── owners ────────────────────────────────────────────────────────────────────────────────────────────


def test_files_that_others_can_read_or_change_are_faults(open_site: Path) -> None:
    (open_site / "token").write_text(TOKEN)
    set_options(open_site, '[security]\ningest_token_file = "token"\n')
    assert "can read" in examined(open_site).one("owners").what  # a new file has the mode 0644
    (open_site / "token").chmod(0o600)
    assert examined(open_site).one("owners").level == "ok"
    (open_site / "data" / "winlog.db").chmod(0o644)
    (open_site / "config.toml").chmod(0o666)
    (open_site / "data").chmod(0o777)
    folder, database, config = examined(open_site).checks["owners"]
    assert folder.advice == f"sudo chmod o-w {open_site / 'data'}"
    assert database.what == f"everybody on this machine may open {open_site / 'data' / 'winlog.db'} (mode 0644)"
    assert database.advice == f"sudo chmod o-rwx {open_site / 'data' / 'winlog.db'}"
    assert config.what == f"everybody on this machine can change {open_site / 'config.toml'}"


def test_a_token_in_a_configuration_that_everybody_reads_is_a_fault(open_site: Path) -> None:
    set_options(open_site, '[security]\ningest_token = "' + TOKEN + '"\n')
    fault = examined(open_site).one("owners")
    assert "and the ingest token is in it" in fault.what
    assert TOKEN not in "".join(fault)


def test_files_in_a_folder_that_is_closed_to_others_are_fine(open_site: Path) -> None:
    (open_site / "data" / "winlog.db").chmod(0o644)
    assert examined(open_site).one("owners").level == "fault"
    (open_site / "data").chmod(0o750)
    assert examined(open_site).one("owners").level == "ok"


def test_a_second_name_of_the_database_is_a_fault(site: Path) -> None:
    os.link(site / "data" / "winlog.db", site / "second.db")
    assert "has 2 names (hard links)" in examined(site).one("owners").what


@needs_root
def test_a_file_of_another_user_is_a_fault(site: Path) -> None:
    wal = site / "data" / "winlog.db-wal"
    wal.touch()
    os.chown(wal, OTHER, OTHER)
    wal.chmod(0o640)
    fault = examined(site).one("owners")
    assert fault.what == f"{wal} belongs to {OTHER}, and winlogd runs as root"
    assert fault.advice == f"sudo chown root {wal}"


# ── certificate and versions ──────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(shutil.which("openssl") is None, reason="not installed: openssl")
def test_a_certificate_near_its_end_is_a_fault(site: Path) -> None:
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    new += ["-subj", "/CN=winlogd", "-days", "5", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(new, cwd=site, check=True, capture_output=True)
    tls = 'tls_port = 3443\ntls_certificate = "cert.pem"\ntls_key = "key.pem"\n'
    (site / "config.toml").write_text(f"[server]\n{tls}")
    fault = examined(site, now_us=0).one("certificate")
    assert fault.level == "fault"
    assert fault.what.endswith("in 4 days")
    assert fault.advice == "renew it, then run sudo systemctl reload winlogd"
    assert "is valid from" in examined(site).one("certificate").what  # in January it was not valid yet


def test_a_certificate_whose_key_is_anothers_is_a_fault_of_the_configuration(site: Path) -> None:
    names = f'tls_certificate = "{DATA / "tls.crt"}"\ntls_key = "{DATA / "tls-renewed.key"}"\n'
    (site / "config.toml").write_text(f"[server]\ntls_port = 3443\n{names}")
    [fault] = examined(site).checks["configuration"]
    assert "the key is not the certificate's" in fault.what


def test_a_certificate_that_was_renewed_without_a_reload_is_a_fault(tmp_path: Path) -> None:
    port = a_steady_port()
    for name in ("tls.crt", "tls.key"):
        shutil.copy(DATA / name, tmp_path)
    with running(
        tmp_path, f'[server]\ntls_port = {port}\ntls_certificate = "tls.crt"\ntls_key = "tls.key"\n'
    ) as server:
        server.wait_until_it_obeys()
        assert (
            examined(tmp_path, now_us=0).one("certificate shown").what.startswith("the server shows the certificate of")
        )
        for name in ("tls.crt", "tls.key"):
            shutil.copy(DATA / name.replace("tls", "tls-renewed"), tmp_path / name)
        fault = examined(tmp_path, now_us=0).one("certificate shown")
        assert fault.level == "fault"
        assert fault.advice.startswith("sudo systemctl reload winlogd")
        assert server.stop() == 0
    assert examined(tmp_path, now_us=0).one("certificate shown").what == f"nobody answers on port {port}"


def test_a_package_below_its_bound_is_a_fault(site: Path) -> None:
    """The metadata of a later winlogd is found first."""
    later = site / "later" / "winlogd-9.dist-info"
    later.mkdir(parents=True)
    (later / "METADATA").write_text("Metadata-Version: 2.1\nName: winlogd\nVersion: 9\nRequires-Dist: orjson>=99\n")
    fault = examined(site, before=f"sys.path.insert(0, {str(later.parent)!r})").one("versions")
    assert fault.level == "fault"
    assert fault.what.endswith("and winlogd needs 99 or newer")
    assert fault.advice.startswith("install orjson 99 or newer")
