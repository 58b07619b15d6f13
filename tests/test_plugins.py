"""Concepts of one's own run through every stage, and their faults are told by their names."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import prediction_difference as pda
from example_run import make_run
from prediction_difference import layout
from prediction_difference.artifacts.verification import State, verify
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.config import parse_config
from prediction_difference.data.dataset import read_dataset
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.evaluation.claim_checks import read_claims
from prediction_difference.evaluation.table import read_table
from prediction_difference.families import METHODS
from prediction_difference.run import Config

ROOT = Path(__file__).parent.parent
RAW: dict[str, Any] = yaml.safe_load((ROOT / "config/examples/plugins/plugins.yaml").read_text())


@pytest.fixture(scope="module")
def at_root() -> Iterator[None]:
    """The examples are found from the project's folder, as by the workflow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(sys, "path", list(sys.path))
        yield


@pytest.fixture(scope="module")
def made(at_root: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    results = tmp_path_factory.mktemp("results") / "plugins"
    return make_run(RAW, results), results


def test_every_family_has_an_example() -> None:
    text = yaml.safe_dump(RAW)
    files = {file.stem for file in (ROOT / "config/examples/plugins").glob("*.py")}
    assert files == {
        "sources",
        "priors",
        "samplers",
        "classifiers",
        "methods",
        "measures",
        "claims",
        "figures",
    }
    assert all(f"config.examples.plugins.{name}:" in text for name in files)


def test_all_that_they_make_is_complete(made: tuple[Config, Path]) -> None:
    _, results = made
    assert {one.state for one in verify(results)} == {State.COMPLETE}


def test_draws_of_a_prior_of_ones_own_are_those_of_its_sampler(made: tuple[Config, Path]) -> None:
    """By hand: quantiles of all pixels that are not held out, and the sampler of the module."""
    from config.examples.plugins.priors import HistogramSampler

    _, results = made
    store = pda.open_attribution(
        layout.attribution_store(results, "independent", "random-1")
    ).load()
    dataset = read_dataset(layout.dataset_store(results, "bars"))
    learning = dataset.images[~dataset.in_split("test")]
    quantiles = np.quantile(learning[:, 0], np.linspace(0, 1, 32))[None]
    sampler = HistogramSampler(quantiles, 3)
    folder = results / "classifiers" / "nearest"
    module = load_module(folder, read_card(folder), "test")
    analysis = pda.PredictionDifference(
        module,
        sampler,
        window=3,
        training_instances=int((~dataset.in_split("test")).sum()),
        seed=0,
    )
    node = store.attrs["nodes"][0]
    found = analysis.attribute(store["image"].values, [pda.Node.probability(node["unit"])])
    np.testing.assert_allclose(store["relevance"].values, found.relevance, atol=1e-5)


def test_table_claim_and_figure_agree(made: tuple[Config, Path]) -> None:
    config, results = made
    table = read_table(layout.evaluation_table(results, "border"))
    assert table.attrs["settings"]["width"] == 1
    (claim,) = read_claims(layout.evaluation_file(config, results, "tested"))["claims"]
    shares = table.pivot(index="image", columns="explanation", values="share")
    expected = (shares["conditional"] - shares["smoothed"]).mean()
    assert claim["number"] == pytest.approx(expected)
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "Share of absolute relevance in a border of 1 pixel(s), mean." in page
    assert "smoothed: config.examples.plugins.methods:SmoothedGradient, copies = 4" in page


def test_draws_of_a_sampler_of_ones_own_are_made_with_its_settings(
    made: tuple[Config, Path],
) -> None:
    from config.examples.plugins.samplers import ShuffledSampler

    config, results = made
    store = pda.open_attribution(layout.attribution_store(results, "shuffled", "random-1")).load()
    word = "config.examples.plugins.samplers:Shuffled"
    assert store.attrs["settings"]["sampler"] == {"sampler": word, "margin": 3}
    assert config.explanations["conditional"].content["sampler"] == "conditional"
    folder = results / "classifiers" / "nearest"
    module = load_module(folder, read_card(folder), "test")
    dataset = read_dataset(layout.dataset_store(results, "bars"))
    learning = int((~dataset.in_split("test")).sum())
    analysis = pda.PredictionDifference(
        module, ShuffledSampler(3, 3), window=3, training_instances=learning, seed=0
    )
    node = store.attrs["nodes"][0]
    found = analysis.attribute(store["image"].values, [pda.Node.probability(node["unit"])])
    np.testing.assert_allclose(store["relevance"].values, found.relevance, atol=1e-5)
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert f"draws by {word}, margin = 3, windows of side k = 3" in page


def test_only_pixels_around_a_window_are_drawn() -> None:
    from config.examples.plugins.samplers import ShuffledSampler

    image = np.arange(49, dtype=np.float32).reshape(1, 7, 7)
    (drawn,) = ShuffledSampler(3, 1).sample(image, np.array([[0, 2]]), 200, seed=4)
    ring = {*image[0, 3, 1:6], *image[0, :3, 1], *image[0, :3, 5]}
    assert set(drawn.ravel()) == ring


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("sampler", "keys", "message"),
    [
        ({"margins": 3}, {}, r"sampler\.margins: this key is unknown; .*'margin'"),
        ({"margin": 0}, {}, r"sampler\.margin: 0 is less than 1; set it to 1 or more"),
        ({}, {"prior": "patches"}, "Shuffled sampler takes no prior; remove the key prior"),
        ({}, {"reference": "bars"}, "Shuffled sampler takes no reference; remove the key"),
        ({}, {"removed": {"layer": "a"}}, "draws windows of images, not of layers; remove the"),
        ({"sampler": "marginel"}, {}, r"'marginel' is unknown; did you mean 'marginal'\?"),
    ],
)
def test_settings_of_a_sampler_are_checked(
    sampler: dict[str, Any], keys: dict[str, Any], message: str
) -> None:
    raw = yaml.safe_load(yaml.safe_dump(RAW))
    entry = raw["explanations"]["shuffled"]
    entry |= keys
    entry["sampler"] = {"sampler": entry["sampler"]["sampler"], **sampler}
    with pytest.raises(ConfigError, match=message):
        parse_config(raw)


@pytest.mark.usefixtures("at_root")
def test_a_method_of_ones_own_has_the_same_face_in_python() -> None:
    from torch import nn

    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    image = np.zeros((1, 4, 4), dtype=np.float32)
    word = "config.examples.plugins.methods:SmoothedGradient"
    found = pda.heatmap(word, module, image, pda.Node.score(1), copies=2)
    weight = module[1].weight.detach().numpy()[1].reshape(4, 4)
    np.testing.assert_allclose(found, np.abs(weight), rtol=1e-5)
    with pytest.raises(DataError, match="copies=0: is less than 1; set it to 1 or more"):
        pda.heatmap(word, module, image, pda.Node.score(1), copies=0)


# --- faults -----------------------------------------------------------------------------------

FAULTY = """
from typing import Literal

import numpy as np
from config.examples.plugins.classifiers import NearestMean
from config.examples.plugins.claims import LessOnBorder
from config.examples.plugins.figures import BorderBars
from config.examples.plugins.measures import EdgeShare
from config.examples.plugins.methods import SmoothedGradient
from config.examples.plugins.priors import Histogram, PixelHistogram
from config.examples.plugins.samplers import Shuffled, ShuffledSampler
from config.examples.plugins.sources import Bars


class MethodRaises(SmoothedGradient):
    def maps(self, classifier, images, nodes, given):
        raise KeyError("a slip")


class MethodOfAnotherShape(SmoothedGradient):
    def maps(self, classifier, images, nodes, given):
        return np.zeros((len(images), 2, 2))


class MethodOfNaN(SmoothedGradient):
    def maps(self, classifier, images, nodes, given):
        return np.full((len(images), *images.shape[2:]), np.nan)


class MeasureRaises(EdgeShare):
    def measure_maps(self, inputs):
        return 1 / 0


class MeasureOfNothing(EdgeShare):
    def measure_maps(self, inputs):
        return super().measure_maps(inputs).iloc[:0]


class MeasureOfNaN(EdgeShare):
    def measure_maps(self, inputs):
        return super().measure_maps(inputs).assign(share=np.nan)


class ClaimRaises(LessOnBorder):
    def measured(self, opened):
        raise ValueError("no idea")


class ClaimOfNothing(LessOnBorder):
    def measured(self, opened):
        return 0.5


class FigureRaises(BorderBars):
    def draw(self, inputs):
        raise IndexError("no axes")


class FigureOfNothing(BorderBars):
    def draw(self, inputs):
        return None


class SourceRaises(Bars):
    def read(self, name, seed):
        raise OSError("gone")


class SourceOfNaN(Bars):
    def read(self, name, seed):
        dataset = super().read(name, seed)
        dataset.images[0, 0, 0, 0] = np.nan
        return dataset


class PriorRaises(PixelHistogram):
    def fit(self, images, mask, seed):
        raise RuntimeError("did not converge")


class PriorOfNaN(PixelHistogram):
    def fit(self, images, mask, seed):
        return Histogram(np.full((1, 4), np.nan))


class SamplerRaises(Shuffled):
    def of_images(self, material):
        raise LookupError("no ring")


class SamplerOfNothing(Shuffled):
    def of_images(self, material):
        return None


class DrawsRaise(Shuffled):
    def of_images(self, material):
        return SlippingSampler(material.window, self.margin)


class SlippingSampler(ShuffledSampler):
    def sample(self, image, corners, samples, seed):
        raise IndexError("off the ring")


class DrawsOfNaN(Shuffled):
    def of_images(self, material):
        return SamplerOfNaN(material.window, self.margin)


class SamplerOfNaN(ShuffledSampler):
    def sample(self, image, corners, samples, seed):
        return np.nan * super().sample(image, corners, samples, seed)


class ClassifierRaises(NearestMean):
    def fit(self, dataset, making):
        raise TypeError("a slip")


class ClassifierOfNothing(NearestMean):
    def fit(self, dataset, making):
        return None


class MethodOfSilence(SmoothedGradient):
    def in_words(self, maps):
        raise RuntimeError("lost for words")


class MethodThatCannotCheck(SmoothedGradient):
    def problems(self, where, lookup):
        yield 1 / 0


class MethodWithAWord(SmoothedGradient):
    method: Literal["smoothed"]


class MethodOfStrangeTypes(SmoothedGradient):
    width: "Unheard"
"""


@pytest.mark.parametrize(
    ("section", "name", "key", "kind", "message"),
    [
        ("explanations", "smoothed", "method", "MethodRaises", r"fails \(KeyError: 'a slip'\)"),
        ("explanations", "smoothed", "method", "MethodOfAnotherShape", r"\(1, 2, 2\), not"),
        ("explanations", "smoothed", "method", "MethodOfNaN", "values that are not finite"),
        ("evaluations", "border", "measure", "MeasureRaises", r"fails \(ZeroDivisionError"),
        ("evaluations", "border", "measure", "MeasureOfNothing", "a table without rows"),
        ("evaluations", "border", "measure", "MeasureOfNaN", "NaN in column 'share'"),
        ("claims", "", "claim", "ClaimRaises", r"fails \(ValueError: no idea\)"),
        ("claims", "", "claim", "ClaimOfNothing", "returns float; return a Measured"),
        ("figures", "border", "kind", "FigureRaises", r"fails \(IndexError: no axes\)"),
        ("figures", "border", "kind", "FigureOfNothing", "returns NoneType; return a Drawing"),
        ("datasets", "bars", "source", "SourceRaises", r"fails \(OSError: gone\)"),
        ("datasets", "bars", "source", "SourceOfNaN", "NaN"),
        ("priors", "histogram", "kind", "PriorRaises", r"fails \(RuntimeError: did not converge"),
        ("priors", "histogram", "kind", "PriorOfNaN", "quantiles that is not finite"),
        ("explanations", "shuffled", "sampler", "SamplerRaises", r"fails \(LookupError: no ring"),
        ("explanations", "shuffled", "sampler", "SamplerOfNothing", "makes NoneType, which is no"),
        ("explanations", "shuffled", "sampler", "DrawsRaise", r"Slipping.*fails \(IndexError: off"),
        ("explanations", "shuffled", "sampler", "DrawsOfNaN", "OfNaN: returned NaN or infinite"),
        ("classifiers", "nearest", "kind", "ClassifierRaises", r"fails \(TypeError: a slip\)"),
        ("classifiers", "nearest", "kind", "ClassifierOfNothing", "returns NoneType; return a"),
    ],
)
@pytest.mark.usefixtures("at_root")
def test_a_fault_is_told_by_its_name(
    section: str,
    name: str,
    key: str,
    kind: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "faulty_plugins.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    raw = yaml.safe_load(yaml.safe_dump(RAW))
    entry = raw["evaluations"]["tested"]["claims"][0] if section == "claims" else raw[section][name]
    entry[key] = f"faulty_plugins:{kind}"
    draws = ("SourceOfNaN", "DrawsRaise", "DrawsOfNaN")
    where = "" if kind in draws else f"faulty_plugins:{kind}.*"
    with pytest.raises((DataError, ConfigError), match=f"{where}{message}"):
        make_run(raw, tmp_path / "results" / "plugins")


@pytest.mark.usefixtures("at_root")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "MethodThatCannotCheck",
            r"\S+faulty_plugins\.py, line \d+: MethodThatCannotCheck\."
            r"problems fails \(ZeroDivisionError: division by zero\); mend it",
        ),
        ("MethodWithAWord", "has words of its own, smoothed; remove the field method"),
        ("MethodOfStrangeTypes", r"a field of an unknown type \(Unheard\); import the type"),
    ],
)
def test_a_class_that_a_configuration_cannot_use_is_told(
    kind: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faulty_plugins.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    raw = yaml.safe_load(yaml.safe_dump(RAW))
    raw["explanations"]["smoothed"]["method"] = f"faulty_plugins:{kind}"
    with pytest.raises(ConfigError, match=message):
        parse_config(raw)


@pytest.mark.usefixtures("at_root")
def test_a_fault_anywhere_in_ones_own_code_is_told_by_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faulty_plugins.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)

    main = importlib.import_module("prediction_difference.cli.main")

    def stumbling() -> None:
        METHODS.find("faulty_plugins:MethodOfSilence").model_construct().in_words(())

    monkeypatch.setattr(main, "app", stumbling)
    with pytest.raises(SystemExit, match="2"):
        main.main()
    line = FAULTY.splitlines().index('        raise RuntimeError("lost for words")') + 1
    told = capsys.readouterr().err
    assert f"faulty_plugins.py, line {line}: MethodOfSilence.in_words fails (RuntimeErr" in told
    monkeypatch.setattr(main, "app", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main.main()
