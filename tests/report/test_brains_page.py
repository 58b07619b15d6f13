"""The viewer of a cohort as a file: nothing from outside runs, nothing is lost silently."""

import base64
import hashlib
import re
import zlib
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path

import nibabel
import numpy as np
import pytest
from example_maps import class_node
from example_volumes import (
    AFFINE,
    FIRST,
    SIDES,
    volume_map,
    write_attribution,
    write_dataset_store,
)

from prediction_difference.errors import DataError, StoreError
from prediction_difference.figures.maps import Map
from prediction_difference.report import brains_page, niivue, volumes
from prediction_difference.report.catalogue import Room

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
FIRST_VOXEL = (FIRST, 0, 0)


class Page(HTMLParser):
    """The elements of a page, and its scripts by id or type."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._script: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "script":
            self._script = attributes.get("id", attributes.get("type", ""))
            self.scripts[self._script] = ""

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.text += data
        else:
            self.scripts[self._script] += data


def stores_of(folder: Path, *maps: Map) -> list[Path]:
    """A store for each map."""
    return [write_attribution(folder / f"{n}.zarr", one) for n, one in enumerate(maps)]


def written(folder: Path, *maps: Map, run: str = "a-run", room: Room = volumes.ROOM) -> str:
    output = folder / "brains-heads.html"
    dataset = write_dataset_store(folder / "heads.zarr")
    stores = stores_of(folder, *maps)
    brains_page.write(dataset, stores, run, folder / "index.html", output, room)
    return output.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    one = volume_map(1, EVIL, label=EVIL, predicted=EVIL, node=class_node(EVIL), split=EVIL)
    return Page(written(tmp_path_factory.mktemp("page"), one, run=EVIL))


def test_names_from_outside_stay_text(page: Page) -> None:
    names = {"catalogue", "greys-0", "relevance-0", "error-0", "niivue", "module"}
    assert set(page.scripts) == names
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert all(image["src"].startswith("data:image/webp;base64,") for image in images)
    assert all("onerror" not in attributes for _, attributes in page.elements)
    assert EVIL in page.text


def test_only_the_programs_of_the_page_may_run(page: Page) -> None:
    program = page.scripts["module"]
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    (policy,) = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}' blob:;" in policy
    assert "connect-src" not in policy
    assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacent|eval|fetch\(", program)


def test_niivue_is_that_of_the_package_and_its_licence_is_shown(page: Page) -> None:
    packed = page.scripts["niivue"]
    module = zlib.decompress(base64.b64decode(packed)).decode()
    widget = metadata.distribution("ipyniivue").locate_file("ipyniivue/static/widget.js")
    original = Path(str(widget)).read_text(encoding="utf-8")
    assert module.rpartition("export{")[0] == original.rpartition("export{")[0]
    assert "BSD 2-Clause License" in page.text
    assert "Redistributions in binary form must reproduce" in page.text
    assert "Not for clinical use." in page.text


def test_the_package_in_the_project_file_is_the_known_one() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert f'"{niivue.PACKAGE}=={niivue.VERSION}"' in project.read_text()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    with pytest.raises(DataError, match=r"package ipyniivue: is not installed; .*pip install"):
        niivue.read_niivue()


def test_another_version_of_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(niivue, "VERSION", "1.0.0")
    with pytest.raises(DataError, match=r"is of version 2.4.4"):
        niivue.read_niivue()


@pytest.mark.parametrize("widget", ["", "x=new A(b);export{y as default};"])
def test_an_unknown_program_is_refused(widget: str) -> None:
    with pytest.raises(DataError, match="is not the program that is known"):
        niivue.export_class(widget)


def cohort(folder: Path, *maps: Map, room: Room = volumes.ROOM) -> volumes.Cohort:
    return volumes.cohort(stores_of(folder, *maps), FIRST_VOXEL, str, room)


def test_the_header_is_that_of_a_nifti_file_on_the_grid(tmp_path: Path) -> None:
    """Another library reads it."""
    found = cohort(tmp_path, volume_map(1, "sub-1"))
    header = base64.b64decode(found.grid.facts["header"])
    numbers = np.arange(np.prod(SIDES), dtype="<f4").reshape(SIDES, order="F")
    file = tmp_path / "one.nii"
    file.write_bytes(header + numbers.tobytes(order="F"))
    image = nibabel.load(file)
    np.testing.assert_array_equal(np.asarray(image.dataobj), numbers)
    np.testing.assert_allclose(image.affine, AFFINE)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.header["qform_code"] == 0


def test_subjects_of_an_explanation_share_their_limit(tmp_path: Path) -> None:
    maps = [volume_map(1, "a"), volume_map(2, "b", scale=5), volume_map(3, "a", explanation="x")]
    found = cohort(tmp_path, *maps)
    shared, own = max(maps[0].largest, maps[1].largest), maps[2].largest
    limits = [one["limit"] for one in found.maps]
    assert limits == pytest.approx([shared, shared, own], rel=1e-5)


def test_an_image_is_packed_once(tmp_path: Path) -> None:
    maps = [volume_map(1, "a"), volume_map(2, "a", explanation="x"), volume_map(3, "b")]
    found = cohort(tmp_path, *maps)
    assert [image["name"] for image in found.images] == ["a", "b"]
    assert [one["image"] for one in found.maps] == [0, 0, 1]
    assert len([name for name in found.contents if name.startswith("greys")]) == 2


def test_a_node_that_is_explained_twice_is_shown_once(tmp_path: Path) -> None:
    one = volume_map(1, "a")
    path = write_attribution(tmp_path / "one.zarr", one, one)
    assert len(volumes.cohort([path], FIRST_VOXEL, str).maps) == 1


def test_what_finds_no_room_is_said(tmp_path: Path) -> None:
    maps = [volume_map(n, f"sub-{n}") for n in range(3)]
    size = sum(len(text) for text in cohort(tmp_path / "all", maps[0]).contents.values())
    room = Room(page=2 * size + 4000, map=10**6)
    found = cohort(tmp_path / "some", *maps, room=room)
    assert 0 < len(found.maps) < 3
    (line,) = found.left_out
    assert line.startswith(f"evidence: {3 - len(found.maps)} map")
    narrow = cohort(tmp_path / "none", *maps, room=Room(map=10))
    assert narrow.maps == []
    assert "since a map may take" in narrow.left_out[0]


def test_another_grid_is_refused(tmp_path: Path) -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] += 1
    other = volume_map(2, "b", affine=shifted.tolist())
    with pytest.raises(StoreError, match=r"1\.zarr: its affine is another one"):
        cohort(tmp_path / "affine", volume_map(1, "a"), other)
    wide = volume_map(2, "b", sides=(5, 9, 8))
    with pytest.raises(StoreError, match=r"have sides \(5, 9, 8\) and .*, not \(5, 9, 7\)"):
        cohort(tmp_path / "sides", volume_map(1, "a"), wide)


def test_a_cohort_without_maps_has_a_page(tmp_path: Path) -> None:
    page = Page(written(tmp_path))
    assert "There are no maps of volumes of this dataset." in page.text
    assert page.scripts == {}


def test_the_same_maps_give_the_same_page(tmp_path: Path) -> None:
    one = volume_map(1, "a")
    assert written(tmp_path / "x", one) == written(tmp_path / "y", one)
