"""From stores to drawings, and what is wrong with stores in the user's words."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import pytest

from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.table import write_table
from prediction_difference.figures.draw import draw
from prediction_difference.figures.drawing import rounded, save
from prediction_difference.figures.inputs import Inputs
from prediction_difference.figures.kind import Figure
from prediction_difference.figures.kinds.compared_areas import ComparedAreas
from prediction_difference.figures.kinds.compared_curves import ComparedCurves
from prediction_difference.figures.kinds.feature_maps import FeatureMaps
from prediction_difference.figures.kinds.heatmaps import HeatmapPanels, Panel
from prediction_difference.figures.kinds.perturbation_curves import PerturbationCurves
from prediction_difference.figures.kinds.volume_slices import VolumeSlices
from prediction_difference.figures.maps import Map, read_maps

MapMaker = Callable[..., Map]
StoreWriter = Callable[..., Path]

HEATMAPS = HeatmapPanels(kind="heatmaps", title="A title", explanations=("evidence",))
MAPS = FeatureMaps(kind="feature-maps", explanations=("maps",))
SLICES = VolumeSlices(kind="volume-slices", explanations=("evidence",), slices=2)
CURVES = PerturbationCurves(kind="perturbation-curves", evaluation="perturbation")
PANELS = {"3 x 3": "perturbation"}
COMPARED = ComparedCurves(kind="compared-curves", evaluations=PANELS)
AREAS = ComparedAreas(kind="compared-areas", evaluations=PANELS)


@pytest.fixture
def photograph(
    make_map: MapMaker, write_attribution: StoreWriter, generator: np.random.Generator
) -> Path:
    """A store with two nodes."""
    maps = [make_map(generator.normal(size=(5, 4)).astype(np.float32)) for _ in range(2)]
    return write_attribution(maps)


@pytest.fixture
def brain(
    make_map: MapMaker, write_attribution: StoreWriter, generator: np.random.Generator
) -> Path:
    relevance = generator.normal(size=(3, 4, 5)).astype(np.float32)
    return write_attribution([make_map(relevance, "subject-1", split="fold-00", affine=np.eye(4))])


@pytest.mark.parametrize(("node", "called"), [(0, 0), (1, 1), (1, "node 1")])
def test_heatmaps_are_those_of_the_store(node: int, called: int | str, photograph: Path) -> None:
    settings = HEATMAPS.model_copy(update={"node": called})
    drawing = draw(settings, "panels", Inputs({"evidence": [photograph]}))
    relevance = read_maps(photograph)[node].relevance
    [[numbers]] = drawing.numbers["rows"]
    assert numbers["relevance"] == rounded(relevance)
    assert numbers["limit"] == rounded(np.abs(relevance).max())
    assert (drawing.name, drawing.title) == ("panels", "A title")


@pytest.fixture
def layers(
    make_map: MapMaker, write_attribution: StoreWriter, generator: np.random.Generator
) -> Path:
    """A store with a class, two maps of conv1, and one of conv2."""
    nodes = [{}] + [
        {"kind": "feature_map", "layer": layer, "unit": unit, "class": None, "value": 0.5}
        for layer, unit in (("conv1", 0), ("conv1", 1), ("conv2", 7))
    ]
    maps = [
        make_map(generator.normal(size=(5, 4)).astype(np.float32), explanation="maps", node=node)
        for node in nodes
    ]
    return write_attribution(maps)


def test_the_same_stores_give_the_same_bytes_of_every_kind(
    photograph: Path, brain: Path, layers: Path, tmp_path: Path
) -> None:
    write_table(_table(), tmp_path / "perturbation.parquet")
    kinds: list[tuple[Figure, dict[str, list[Path]]]] = [
        (HEATMAPS, {"evidence": [photograph]}),
        (MAPS, {"maps": [layers]}),
        (SLICES, {"evidence": [brain]}),
        (CURVES, {}),
        (COMPARED, {}),
        (AREAS, {}),
    ]
    for settings, explanations in kinds:
        written = []
        for folder in ("first", "second"):
            tables = {"perturbation": tmp_path / "perturbation.parquet"}
            drawing = draw(settings, settings.kind, Inputs(explanations, tables, {}))
            files = [tmp_path / folder / f"figure.{suffix}" for suffix in ("png", "pdf", "json")]
            save(drawing, *files)
            written.append([file.read_bytes() for file in files])
        assert written[0] == written[1]
        content = json.loads(written[0][2], parse_constant=pytest.fail)
        assert content["figure"] == settings.kind
        assert content["title"] == (settings.title or settings.kind)


def test_the_caption_begins_with_the_setting(photograph: Path) -> None:
    stores = {"evidence": [photograph]}
    caption = draw(HEATMAPS, "panels", Inputs(stores), "small: stride 8").caption
    assert caption.startswith("Setting: small: stride 8.\n1 held-out image")
    assert "Setting" not in draw(HEATMAPS, "panels", Inputs(stores)).caption


def test_the_caption_says_what_clinical_images_are_not_for(photograph: Path) -> None:
    stores = {"evidence": [photograph]}
    caption = draw(HEATMAPS, "panels", Inputs(stores), "small", clinical=True).caption
    assert caption.startswith("Setting: small.\nNot for clinical use. 1 held-out image")
    assert "clinical" not in draw(HEATMAPS, "panels", Inputs(stores), "small").caption


def test_rows_of_panels_show_the_nodes_that_they_name(photograph: Path) -> None:
    rows = {
        "first": ("image", {"explanation": "evidence", "node": 1}),
        "second": (None, "evidence"),
    }
    settings = HeatmapPanels(kind="heatmaps", rows=rows, limit="map")
    drawing = draw(settings, "panels", Inputs({"evidence": [photograph]}))
    maps = read_maps(photograph)
    [shown] = drawing.numbers["rows"]
    assert [(entry["row"], entry["column"]) for entry in shown] == [(0, 1), (1, 1)]
    for entry, one in zip(shown, (maps[1], maps[0]), strict=True):
        assert entry["relevance"] == rounded(one.relevance)
        assert entry["limit"] == rounded(one.largest)


def test_another_image_in_the_same_place_is_refused(
    photograph: Path, make_map: MapMaker, write_attribution: StoreWriter
) -> None:
    other = write_attribution(
        [make_map(np.zeros((5, 4)), explanation="vgg", classifier="vgg", image_name="a dog")]
    )
    settings = HEATMAPS.model_copy(update={"explanations": ("evidence", "vgg")})
    with pytest.raises(
        StoreError, match="vgg: has image 'a dog' as correct-1, evidence has 'image"
    ):
        draw(settings, "panels", Inputs({"evidence": [photograph], "vgg": [other]}))


def test_feature_maps_are_those_of_the_store(layers: Path) -> None:
    drawing = draw(MAPS, "maps", Inputs({"maps": [layers]}))
    maps = read_maps(layers)
    found = drawing.numbers["layers"]
    assert [(layer["layer"], [m["map"] for m in layer["maps"]]) for layer in found] == [
        ("conv1", [0, 1]),
        ("conv2", [7]),
    ]
    assert [m["limit"] for layer in found for m in layer["maps"]] == [
        rounded(one.largest) for one in maps[1:]
    ]
    chosen = MAPS.model_copy(update={"layers": ("conv2",)})
    assert len(draw(chosen, "maps", Inputs({"maps": [layers]})).numbers["layers"]) == 1


def test_layers_that_are_not_explained_are_named(layers: Path, photograph: Path) -> None:
    settings = MAPS.model_copy(update={"layers": ("conv3",)})
    with pytest.raises(StoreError, match="maps: has no maps of conv3, but of conv1, conv2"):
        draw(settings, "maps", Inputs({"maps": [layers]}))
    with pytest.raises(StoreError, match="explains no feature maps; add nodes such as"):
        draw(MAPS, "maps", Inputs({"maps": [photograph]}))


def test_layers_of_different_images_are_refused(
    layers: Path, make_map: MapMaker, write_attribution: StoreWriter
) -> None:
    node = {"kind": "feature_map", "layer": "conv9", "unit": 0, "class": None}
    zeros = np.zeros((5, 4))
    other = write_attribution([make_map(zeros, explanation="b", node=node, image_name="a dog")])
    settings = MAPS.model_copy(update={"explanations": ("maps", "b")})
    with pytest.raises(StoreError, match="explanation b: has image 'a dog'"):
        draw(settings, "maps", Inputs({"maps": [layers], "b": [other]}))


def _table() -> pandas.DataFrame:
    steps = {"step": [0, 1, 2], "repeat": 0, "score": [1.0, 0.5, 0.25]}
    parts = [
        pandas.DataFrame({"explanation": method, "method": method, "image": "a", **steps})
        for method in ("random", "sensitivity")
    ]
    table = pandas.concat(parts, ignore_index=True)
    settings = {"region": 1, "steps": 2, "repeats": 1, "order": "morf", "output": "score"}
    settings |= {"perturbation": "uniform", "precision": "float32"}
    cost = {"random": {"forwards": 0, "seconds": 0.1}, "sensitivity": {"forwards": 1, "seconds": 1}}
    table.attrs = {"evaluation": "p", "classifier": "net", "seed": 0, "settings": settings}
    table.attrs["cost"] = cost
    return table


def test_weights_of_a_linear_classifier_are_those_for_the_split(
    brain: Path, generator: np.random.Generator, tmp_path: Path
) -> None:
    dataset = Dataset(
        images=generator.normal(size=(8, 1, 3, 4, 5)).astype(np.float32),
        names=tuple("abcdefgh"),
        labels=np.array([0, 1] * 4),
        split=("fold-00",) * 4 + ("fold-01",) * 4,
        class_names=("dog", "cat"),
        digest="0",
    )
    settings = LogisticRegression(kind="logistic-regression", dataset="animals")
    folder = tmp_path / "net"
    make_classifier(settings, "net", dataset, 0, "cpu", folder)
    weights = draw(SLICES, "slices", Inputs({"evidence": [brain]}, {}, {"net": folder})).numbers[
        "weights"
    ]
    assert (weights["towards"], weights["split"]) == ("cat", "fold-00")
    without = draw(SLICES, "slices", Inputs({"evidence": [brain]}))
    assert "weights" not in without.numbers
    unwanted = SLICES.model_copy(update={"weights": False})
    drawing = draw(unwanted, "slices", Inputs({"evidence": [brain]}, {}, {"net": folder}))
    assert "weights" not in drawing.numbers


def test_every_explanation_of_volumes_has_its_own_threshold(
    make_map: MapMaker, write_attribution: StoreWriter, generator: np.random.Generator
) -> None:
    relevance = generator.normal(size=(3, 4, 5)).astype(np.float32)
    stores = {
        name: [write_attribution([make_map(relevance, "subject-1", name)])]
        for name in ("small", "large")
    }
    settings = VolumeSlices(
        kind="volume-slices",
        explanations=("small", "large"),
        titles={"small": "k = 2"},
        hide_below_of={"small": 0.1},
        hide_below=0.5,
    )
    drawing = draw(settings, "slices", Inputs(stores))
    assert [one["hide_below"] for one in drawing.numbers["maps"]] == [0.1, 0.5]
    assert "10% for k = 2, 50% for large" in drawing.caption


def test_a_missing_store_is_named(photograph: Path) -> None:
    missing = photograph.with_name("correct-2.zarr")
    with pytest.raises(StoreError, match=r"correct-2\.zarr: there is no complete Zarr store here"):
        draw(HEATMAPS, "panels", Inputs({"evidence": [photograph, missing]}))
    with pytest.raises(StoreError, match="evidence: no attribution stores are given"):
        draw(HEATMAPS, "panels", Inputs({}))


def test_a_node_that_is_not_there_is_refused(photograph: Path) -> None:
    named = HEATMAPS.model_copy(update={"node": "node 2"})
    with pytest.raises(StoreError, match="has no node 'node 2'; its nodes are node 0, node 1"):
        draw(named, "panels", Inputs({"evidence": [photograph]}))
    settings = HEATMAPS.model_copy(update={"node": 2})
    with pytest.raises(StoreError, match=r"has 2 node\(s\), not node 2"):
        draw(settings, "panels", Inputs({"evidence": [photograph]}))


def test_volumes_and_photographs_are_told_apart(
    photograph: Path, make_map: MapMaker, write_attribution: StoreWriter, brain: Path
) -> None:
    node = {"kind": "feature_map", "layer": "conv1", "class": None}
    volume = write_attribution([make_map(np.zeros((2, 2, 2)), "subject-2", "maps", node=node)])
    with pytest.raises(StoreError, match="3 dimensions, not 2"):
        draw(MAPS, "maps", Inputs({"maps": [volume]}))
    with pytest.raises(StoreError, match="3 dimensions, not 2; draw it with kind: volume-slices"):
        draw(HEATMAPS, "panels", Inputs({"evidence": [brain]}))
    with pytest.raises(StoreError, match="2 dimensions, not 3; draw it with kind: heatmaps"):
        draw(SLICES, "slices", Inputs({"evidence": [photograph]}))


def test_explanations_of_other_images_are_refused(
    photograph: Path, make_map: MapMaker, write_attribution: StoreWriter
) -> None:
    other = write_attribution([make_map(np.zeros((5, 4)), "correct-9", "gradient", "sensitivity")])
    settings = HEATMAPS.model_copy(update={"explanations": ("evidence", "gradient")})
    with pytest.raises(StoreError, match="gradient: has no map of image correct-1"):
        draw(settings, "panels", Inputs({"evidence": [photograph], "gradient": [other]}))


def test_a_missing_evaluation_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="evaluation perturbation: no table of it is given"):
        draw(CURVES, "curves", Inputs({}))
    with pytest.raises(StoreError, match=r"perturbation\.parquet: cannot be read"):
        draw(CURVES, "curves", Inputs({}, {"perturbation": tmp_path / "perturbation.parquet"}, {}))
    bare = _table()
    bare.attrs = {}
    write_table(bare, tmp_path / "bare.parquet")
    with pytest.raises(StoreError, match="does not say how it was measured"):
        draw(CURVES, "curves", Inputs({}, {"perturbation": tmp_path / "bare.parquet"}, {}))


def test_a_part_of_a_map_is_shown(photograph: Path) -> None:
    panel = Panel(explanation="e", node=0, zoom=(1, 1, 2, 3))
    figure = HeatmapPanels(kind="heatmaps", rows={"": ("image", "e", panel)})
    drawing = draw(figure, "f", Inputs({"e": [photograph]}))
    whole, part = drawing.numbers["rows"][0]
    assert part["zoom"] == [1, 1, 2, 3]
    np.testing.assert_allclose(part["relevance"], np.array(whole["relevance"])[1:3, 1:4])
    assert "rows 1 to 2, columns 1 to 3" in drawing.caption
    far = Panel(explanation="e", node=0, zoom=(1, 2, 200, 3))
    figure = HeatmapPanels(kind="heatmaps", rows={"": (far,)})
    with pytest.raises(StoreError, match="leaves them; correct the figure's zoom"):
        draw(figure, "f", Inputs({"e": [photograph]}))
