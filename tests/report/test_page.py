"""The page holds what the run has made, escapes what it quotes, and needs no network."""

import base64
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pandas
import pytest
import xarray
from PIL import Image

from prediction_difference.attribution.method import Method
from prediction_difference.attribution.methods.prediction_difference import PredictionDifference
from prediction_difference.attribution.methods.random import RandomOrder
from prediction_difference.classifiers.card import Card
from prediction_difference.data.source import Source
from prediction_difference.data.sources.image_folder import ImageFolder
from prediction_difference.data.sources.nifti_cohort import NiftiCohort
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.data.sources.sklearn_digits import SklearnDigits
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbed_summary import (
    summaries_by_region,
    summary_of_aopc,
)
from prediction_difference.evaluation.table import write_table
from prediction_difference.families import MEASURES
from prediction_difference.figures.kinds.heatmaps import HeatmapPanels
from prediction_difference.files import write_json, write_text
from prediction_difference.manifest import write_manifest
from prediction_difference.report.page import build
from prediction_difference.run import Config
from prediction_difference.run import Run as RunSettings
from prediction_difference.stores import write_store

EVIL = "a<script>alert('x')</script>/b & c"
EXPLANATIONS = ("evidence", "order")
CURVES = {"evidence": np.array([[3.0, 1.0, 0.5]]), "order": np.array([[3.0, 2.5, 1.0]])}


@dataclass
class Page(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


MEASURED = {
    "perturbation": "aopc",
    "complexity": "complexity",
    "sums": "aggregation",
    "claims": "claims",
}
"""Measures of evaluations."""


@dataclass(frozen=True)
class Run:
    """The files of a small run, and where the page goes."""

    folder: Path
    config: Config

    @property
    def output(self) -> Path:
        return self.folder / "report" / "index.html"

    @property
    def maps(self) -> Path:
        return self.folder / "report" / "maps.html"

    @property
    def card(self) -> Path:
        return self.folder / "classifiers" / "net" / "card.json"

    @property
    def figure(self) -> Path:
        return self.folder / "figures" / "paper" / "panels.json"

    @property
    def claims(self) -> Path:
        return self.folder / "evaluations" / "claims.json"

    def store(self, explanation: str, slot: str = quote(EVIL, safe="")) -> Path:
        return self.folder / "attributions" / explanation / f"{slot}.zarr"

    def build(self) -> str:
        build(
            self.config,
            [self.card],
            {
                name: self.folder / "evaluations" / f"{name}{MEASURES.find(word).suffix}"
                for name, word in MEASURED.items()
            },
            [self.figure],
            {name: [self.store(name)] for name in EXPLANATIONS},
            self.output,
            self.maps,
        )
        return self.output.read_text(encoding="utf-8")

    def page(self) -> Page:
        page = Page()
        page.feed(self.build())
        return page


@pytest.fixture
def config() -> Config:
    choice: dict[str, Any] = {"classifier": "net", "images": (EVIL,)}
    return Config(
        run=RunSettings(name="a-run", seed=5),
        datasets={"digits": SklearnDigits(source="sklearn-digits")},
        explanations={
            "evidence": PredictionDifference(
                method="prediction-difference", sampler="marginal", window=3, **choice
            ),
            "order": RandomOrder(method="random", **choice),
        },
        evaluations={
            name: MEASURES.find(word).model_construct() for name, word in MEASURED.items()
        },
        figures={"panels": HeatmapPanels(kind="heatmaps", explanations=("evidence", "order"))},
    )


@pytest.fixture
def run(config: Config, tmp_path: Path) -> Run:
    made = Run(tmp_path, config)
    write_json(made.card, _card().to_json())
    write_manifest(made.card, [made.card])
    for explanation, settings in config.explanations.items():
        write_store(made.store(explanation), _attribution(explanation, settings))
    write_table(_table(), tmp_path / "evaluations" / "perturbation.parquet")
    write_table(_complexity(), tmp_path / "evaluations" / "complexity.parquet")
    write_table(_sums(), tmp_path / "evaluations" / "sums.parquet")
    write_json(made.claims, {"claims": [_claim(1, (0.5, 1.0), 3, True), _claim(2, None, 1, None)]})
    write_manifest(made.claims, [made.claims])
    content = {"figure": "panels", "title": "Title <1>", "caption": "Said & done.", "numbers": {}}
    write_json(made.figure, content)
    Image.new("RGB", (300, 150), "white").save(made.figure.with_suffix(".png"))
    write_text(made.figure.with_suffix(".pdf"), "%PDF")
    write_manifest_of_figure(made.figure)
    return made


def write_manifest_of_figure(file: Path) -> None:
    write_manifest(file, [file, file.with_suffix(".png"), file.with_suffix(".pdf")])


def _complexity() -> pandas.DataFrame:
    rows = [
        {"explanation": name, "method": name, "image": image, "image_name": image}
        | {"png_bytes": 1400 + 200 * n, "jpeg_bytes": 900, "entropy": entropy + n}
        for name, entropy in (("evidence", 6.0), ("order", 3.0))
        for n, image in enumerate("ab")
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {"classifier": "net"}
    return table


def _sums() -> pandas.DataFrame:
    """One region; totals of one and three scores."""
    row = {"explanation": "evidence", "method": "lrp_epsilon", "row": 0, "column": 0, "score": 2.0}
    table = pandas.DataFrame(
        [{**row, "image": n, "relevance": total, "total": total} for n, total in enumerate((2, 6))]
    )
    table.attrs = {"settings": {"measure": "aggregation"}}
    return table


def _claim(
    figure: int, interval: tuple[float, float] | None, images: int, held: bool | None
) -> dict[str, Any]:
    return {
        "where": f"Fig. {figure}",
        "statement": "<b>It is so</b>",
        "quantity": "share",
        "unit": "bits",
        "number": 0.75,
        "required": "above 0",
        "confidence": 0.95,
        "interval": interval,
        "images": images,
        "held": held,
        "claim": {"claim": "cheaper"},
    }


def _card() -> Card:
    return Card(
        name="net",
        kind="train",
        settings={},
        dataset="digits",
        dataset_digest="",
        class_names=("cat", "dog"),
        input_shape=(1, 3, 3),
        training_instances={"fold-00": 1200, "fold-01": 1199},
        normalisation=None,
        accuracy=0.9876,
        held_out_images=539,
        seed=5,
        provenance={"versions": {"numpy": "1.0"}},
    )


def _attribution(explanation: str, settings: Method) -> xarray.Dataset:
    relevance = np.array([[[-0.5, 0, 0], [0, 0, 2.25], [0, 0, 0]]], dtype=np.float32)
    error = np.full_like(relevance, 0.125 if explanation == "evidence" else np.nan)
    node = {"kind": "probability", "layer": None, "unit": 0, "class": "cat", "score": 1.0}
    texts = np.dtypes.StringDType()
    axes = ("node", "y", "x")
    return xarray.Dataset(
        {
            "image": (("channel", "y", "x"), np.zeros((1, 3, 3))),
            "relevance": (axes, relevance),
            "standard_error": (axes, error),
        },
        coords={
            "node": np.array(["probability of predicted"], dtype=texts),
            "unit": ("node", np.array(["bits"], dtype=texts)),
        },
        attrs={
            "kind": "attribution",
            "slot": quote(EVIL, safe=""),
            "explanation": explanation,
            "method": "random" if explanation == "order" else "prediction-difference",
            "signed": explanation != "order",
            "settings": settings.model_dump(mode="json"),
            "dataset": "digits",
            "classifier": "net",
            "weights_from": "here",
            "image_name": EVIL,
            "label": "dog",
            "predicted": "cat",
            "predicted_probability": 0.625,
            "split": "fold-00",
            "seed": 5,
            "nodes": [node | {"probability": 0.625, "rank": 1}],
            "forwards": 12345,
            "seconds": 1.5,
            "versions": {"numpy": "2.0"},
        },
    )


def _table() -> pandas.DataFrame:
    rows = [
        {
            "explanation": name,
            "method": "random" if name == "order" else "prediction-difference",
            "image": image,
            "repeat": 0,
            "step": step,
            "probability": value * factor,
            "score": 10 * value * factor,
        }
        for name, curves in CURVES.items()
        for image, factor in (("a", 1), ("b", 3))
        for step, value in enumerate(curves[0])
    ]
    table = pandas.DataFrame(rows)
    settings = {"region": 2, "steps": 2, "repeats": 1, "order": "morf", "output": "probability"}
    settings |= {"perturbation": "uniform", "precision": "float32"}
    cost = {name: {"forwards": 7, "seconds": 0.5} for name in CURVES}
    table.attrs = {"classifier": "net", "settings": settings, "cost": cost}
    return table


def test_names_from_outside_are_escaped(run: Run) -> None:
    html = run.build()
    assert "<script" not in html
    assert "a&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;/b &amp; c" in html
    assert "Title &lt;1&gt;" in html


def test_the_page_loads_nothing(run: Run) -> None:
    html = run.build()
    assert not re.search(r"https?://|url\(|@import", html)
    page = run.page()
    loading = {"script", "link", "iframe", "object", "embed", "video", "audio", "source"}
    assert loading.isdisjoint(tag for tag, _ in page.elements)
    for _, attributes in page.elements:
        assert attributes.get("src", "data:").startswith("data:")
        assert not any(name.startswith("on") for name in attributes)
    policies = [meta for meta in page.attributes("meta") if "http-equiv" in meta]
    assert policies[0]["content"].startswith("default-src 'none'")


def test_pictures_are_in_the_page(run: Run) -> None:
    [picture] = run.page().attributes("img")
    encoded = picture["src"].removeprefix("data:image/png;base64,")
    assert base64.b64decode(encoded) == run.figure.with_suffix(".png").read_bytes()
    assert (picture["width"], picture["height"]) == ("192", "96")
    assert "Title <1>" in picture["alt"]


def test_complexity_is_told_with_the_simplest_heatmaps_first(run: Run) -> None:
    html = run.build()
    part = html[html.index("Size of a heatmap with 256 levels") :]
    assert part.index("order") < part.index("evidence")
    assert "1500 ± 100" in part


def test_properties_of_methods_are_told(run: Run) -> None:
    text = " ".join(run.page().text.split())
    assert "sums Total relevance of an image" in text
    assert "evidence lrp_epsilon 2 2.00 0.707 1.00 3.00" in text


def test_figures_tell_what_their_maps_took(run: Run) -> None:
    assert "24,690 forward passes in 3.0 s" in run.build()


def test_every_link_leads_to_a_file_or_to_a_place_on_the_page(run: Run) -> None:
    page = run.page()
    places = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [attributes["href"] for attributes in page.attributes("a")]
    linked = set()
    for link in links:
        if link.startswith("#"):
            assert link[1:] in places
            continue
        assert not link.startswith("/")
        linked.add((run.output.parent / unquote(link)).resolve())
    assert all(path.exists() for path in linked)
    assert {run.store(name).resolve() for name in EXPLANATIONS} <= linked
    assert {run.figure.with_suffix(s).resolve() for s in (".pdf", ".json", ".png")} <= linked
    assert run.maps.resolve() in linked


def test_headings_go_down_one_step_at_a_time(run: Run) -> None:
    levels = [int(tag[1]) for tag, _ in run.page().elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_tables_hold_the_numbers(run: Run) -> None:
    text = " ".join(run.page().text.split())
    for expected in ("98.8%", "539", "1,199 to 1,200", "12,345", "1.75", "2.25", "0.125"):
        assert expected in text
    assert "label dog predicted cat, p = 0.625 misclassified" in text
    assert "Said & done." in text
    assert "How to read a heatmap" in text


@pytest.mark.parametrize(
    ("dataset", "is_on_page", "is_on_maps"),
    [
        (SklearnDigits(source="sklearn-digits"), False, False),
        (ImageFolder(source="image-folder", root=Path("x")), False, False),
        (ImageFolder(source="image-folder", root=Path("x"), clinical=True), True, True),
        (SimulatedFA(source="simulated-fa"), True, False),
        (NiftiCohort(source="nifti-cohort", root=Path("x")), True, False),
    ],
    ids=["digits", "photographs", "scans", "simulated", "cohort"],
)
def test_clinical_use_is_spoken_of_where_images_are_clinical(
    run: Run, dataset: Source, is_on_page: bool, is_on_maps: bool
) -> None:
    marked = run.config.model_copy(update={"datasets": {"digits": dataset}})
    page = Run(run.folder, marked).page()
    html = Run(run.folder, marked).maps.read_text(encoding="utf-8")
    assert page.text.count("Not for clinical use.") == 2 * is_on_page
    assert ("medically" in page.text) == is_on_page
    assert html.count("Not for clinical use.") == 2 * is_on_maps
    assert "Heatmaps show what a classifier reacts to" in page.text


def test_claims_are_told_with_their_outcomes(run: Run) -> None:
    text = " ".join(run.page().text.split())
    assert "Intervals at 95%" in text
    assert "Fig. 1 <b>It is so</b> share 0.750 bits 0.500 to 1.00 above 0 3 held" in text
    assert "Fig. 2 <b>It is so</b> share 0.750 bits – above 0 1 undecided" in text  # noqa: RUF001


def test_aopc_is_that_of_the_definition(run: Run) -> None:
    """By hand: drops of 0, 2, 2.5 and of 0, 0.5, 2, for the second image three times as large."""
    text = " ".join(run.page().text.split())
    evidence = "evidence prediction-difference 2 3.00 (1.50 to 4.50) 1.33 (0.667 to 2.00) 30.0"
    assert evidence in text
    assert "order random 2 1.67 (0.833 to 2.50) – 16.7 (8.33 to 25.0) – 7.0 0.50" in text  # noqa: RUF001
    assert "AOPC, class probability above random AOPC, class score above random" in text


def test_orders_and_replacements_of_regions_are_told(run: Run) -> None:
    text = " ".join(run.page().text.split())
    told = "regions that a heatmap ranks first (larger is better) are replaced by uniform noise."
    assert told in text
    last = _table()
    last.attrs["settings"] |= {"order": "lerf", "perturbation": "blur"}
    meaning = summary_of_aopc(last).meaning
    assert "ranks last (smaller is better) are replaced by the blurred image." in meaning


def test_sizes_of_regions_stand_side_by_side() -> None:
    tables = {side: _table() for side in (3, 1)}
    for side, table in tables.items():
        table.attrs["settings"]["region"] = side
        table["probability"] *= side
    other = _table()
    other.attrs["classifier"] = "another"
    named = {str(n): table for n, table in enumerate([*tables.values(), other])}
    claim = {"claim": "larger-aopc", "evaluation": "0", "explanation": "evidence", "than": "order"}
    findings = [{"claim": claim, "held": True}, {"claim": {"claim": "cheaper"}}]
    (found,) = summaries_by_region(named, findings)
    sides = [column.split()[0] for column in found.columns[:2]]
    assert sides == ["1", "3"]
    (row,) = found.rows
    assert row[:2] == ["evidence", "prediction-difference"]
    assert row[2:4] == ["1.33 (0.667 to 2.00)", "4.00 (2.00 to 6.00)\nabove order: held"]
    cost = tables[1].attrs["cost"]["evidence"]
    assert [float(cell) for cell in row[4:]] == [cost["forwards"], cost["seconds"]]


def test_settings_and_versions_are_there(run: Run) -> None:
    text = run.page().text
    assert "name: a-run" in text
    assert "sampler: marginal" in text
    assert "1.0, 2.0" in text


def test_the_same_run_gives_the_same_page(run: Run) -> None:
    assert run.build() == run.build()


def test_a_run_without_figures_and_evaluations_has_a_page(run: Run) -> None:
    build(run.config, [], {}, [], {}, run.output, run.maps)
    html = run.output.read_text(encoding="utf-8")
    assert html.count("The configuration asks for none.") == 2
    assert 'href="#evaluations"' not in html


def _without(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != key}


def test_what_is_missing_is_named(run: Run) -> None:
    missing = run.store("evidence", "other")
    with pytest.raises(StoreError, match=r"other\.zarr: there is no complete Zarr store here"):
        build(run.config, [], {}, [], {"evidence": [missing]}, run.output, run.maps)
    with pytest.raises(StoreError, match=r"card\.json: there is no classifier here"):
        build(run.config, [run.folder / "card.json"], {}, [], {}, run.output, run.maps)
    with pytest.raises(StoreError, match=r"none\.parquet: cannot be read"):
        build(
            run.config,
            [],
            {"complexity": run.folder / "none.parquet"},
            [],
            {},
            run.output,
            run.maps,
        )
    assert not run.output.exists()
    assert not run.maps.exists()


def test_damaged_figures_are_named(run: Run) -> None:
    content = json.loads(run.figure.read_text())
    write_json(run.figure, _without(content, "caption"))
    with pytest.raises(StoreError, match=r"panels\.json: is damaged"):
        run.build()
    write_manifest_of_figure(run.figure)
    with pytest.raises(StoreError, match=r"panels\.json: has no caption"):
        run.build()
    write_text(run.figure, "{")
    write_manifest_of_figure(run.figure)
    with pytest.raises(StoreError, match=r"panels\.json: cannot be read"):
        run.build()
    write_json(run.figure, content)
    write_text(run.figure.with_suffix(".png"), "no picture")
    write_manifest_of_figure(run.figure)
    with pytest.raises(StoreError, match=r"panels\.png: cannot be read"):
        run.build()
