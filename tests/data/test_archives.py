"""Archives of strangers stay in their folder, and pickles of strangers run nothing."""

import io
import os
import pickle
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from prediction_difference.data.archives import unpack
from prediction_difference.data.plain_pickles import read_plain_pickle
from prediction_difference.errors import DataError

HOSTILE = ("../outside", "a/../../outside", "/tmp/outside", "..\\outside", "C:outside", "..")


def write_tar(path: Path, *members: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for member in members:
            member.size = 5 if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"words"))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, 0o4777
    return info


def write_zip(path: Path, *names: str, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, "words")
    return path


def held(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_files_and_folders_of_a_tar_archive_are_unpacked(tmp_path: Path, mode: str) -> None:
    members = member("a", tarfile.DIRTYPE), member("a/one"), member("./two"), member("new/$(x); y")
    archive = write_tar(tmp_path / "archive", *members, mode=mode)
    unpack(archive, tmp_path / "out")
    assert held(tmp_path / "out") == dict.fromkeys(("a/one", "two", "new/$(x); y"), "words")
    assert not (tmp_path / "out" / "a" / "one").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)


def test_files_of_a_zip_archive_are_unpacked(tmp_path: Path) -> None:
    unpack(write_zip(tmp_path / "archive.zip", "a/", "a/one", "two"), tmp_path / "out")
    assert held(tmp_path / "out") == {"a/one": "words", "two": "words"}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_members_outside_of_the_folder_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    write = {"tar": lambda p: write_tar(p, member(name)), "zip": lambda p: write_zip(p, name)}
    archive = write[kind](tmp_path / "archive")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"archive: is not unpacked: .* lies outside of the folder"):
        unpack(archive, tmp_path / "deep" / "out")
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/outside").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    """Through a link, a later member could be written anywhere."""
    victim = tmp_path / "victim"
    victim.mkdir()
    archive = write_tar(tmp_path / "archive", member("a", kind, str(victim)), member("a/file"))
    with pytest.raises(DataError, match="'a' in it is a link or a device; get it again"):
        unpack(archive, tmp_path / "out")
    assert held(victim) == {}


def test_links_in_a_zip_archive_are_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", "link", mode=stat.S_IFLNK | 0o777)
    with pytest.raises(DataError, match="'link' in it is a link or a device"):
        unpack(archive, tmp_path / "out")


def test_a_member_does_not_replace_another(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "archive", member("a"), member("./a"))
    with pytest.raises(DataError, match="holds a file twice"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("keep", [0, 30, 200])
def test_an_archive_that_breaks_off_is_named(tmp_path: Path, keep: int) -> None:
    archive = write_tar(tmp_path / "archive", *(member(f"file {n}") for n in range(50)))
    archive.write_bytes(archive.read_bytes()[:keep])
    with pytest.raises(DataError, match="archive: breaks off or is damaged"):
        unpack(archive, tmp_path / "out")


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_pickle_is_read_and_another_runs_nothing(tmp_path: Path, protocol: int) -> None:
    file, trace = tmp_path / "batch", tmp_path / "trace"
    content = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 2], "name": "ä"}
    file.write_bytes(pickle.dumps(content, protocol))
    read = read_plain_pickle(file, "get it again")
    assert read.keys() == content.keys()
    np.testing.assert_array_equal(read["data"], content["data"])
    file.write_bytes(pickle.dumps({"data": Malicious(trace)}, protocol))
    with pytest.raises(DataError, match=r"holds more than plain data \(it asks for posix.mkdir\)"):
        read_plain_pickle(file, "get it again")
    assert not trace.exists()
    pickle.loads(file.read_bytes())
    assert trace.exists()
