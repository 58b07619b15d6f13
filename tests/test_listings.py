"""A file that a network file system lists late is waited for; on others, nobody waits."""

import threading
import time
from pathlib import Path

import pytest

from prediction_difference import listings
from prediction_difference.attribution.finished import stores_of
from prediction_difference.errors import StoreError
from prediction_difference.files import write_json
from prediction_difference.listings import appears, is_on_network
from prediction_difference.stores import open_store


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as one of a network file system, with little patience."""
    mounts = tmp_path / "mounts"
    place = str(tmp_path / "far away").replace(" ", "\\040")
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {place} nfs4 rw 0 0\nbroken\n")
    monkeypatch.setattr(listings, "_MOUNTS", mounts)
    monkeypatch.setattr(listings, "_PATIENCE", 0.5)
    monkeypatch.setattr(listings, "_PAUSE", 0.05)
    (tmp_path / "far away").mkdir()
    return tmp_path / "far away"


def test_the_file_system_is_that_of_the_nearest_mount(network: Path) -> None:
    assert is_on_network(network / "a" / "b")
    assert not is_on_network(network.parent / "a")
    assert not is_on_network(network.parent / "far away too")


def test_what_appears_late_is_found(network: Path) -> None:
    done = network / "chunks" / "0.json"
    done.parent.mkdir()
    late = threading.Timer(0.2, write_json, (done, {"stores": {"a": "b"}}))
    late.start()
    assert stores_of(done) == {"a": "b"}
    late.join()


def test_what_never_appears_is_missing_after_a_while(
    network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with pytest.raises(StoreError, match="there is no complete Zarr store here"):
        open_store(network / "s.zarr", "dataset")
    assert time.monotonic() - started > 0.4
    assert "is not listed; waiting up to" in capsys.readouterr().err


def test_nobody_waits_for_a_local_file(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited"))
    assert not appears(network.parent / "nothing")
    monkeypatch.setattr(listings, "_MOUNTS", network / "no such file")
    assert not appears(network / "nothing")
