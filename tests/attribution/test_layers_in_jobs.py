"""Layer nodes, removed layers and adaptive sampling, from a configuration to the report."""

import numpy as np
import pytest

import prediction_difference as pda
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.publishing import publish
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.config import parse_config
from prediction_difference.data import digits
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.errors import DataError, StoreError
from prediction_difference.figures import captions
from prediction_difference.figures.draw import draw
from prediction_difference.figures.inputs import Inputs as FigureInputs
from prediction_difference.figures.kinds.heatmaps import HeatmapPanels
from prediction_difference.figures.maps import read_map, read_maps
from prediction_difference.manifest import Origin, read_manifest
from prediction_difference.priors.store import fit_priors, reference_images, write_priors
from prediction_difference.report.tables import explained_tables, read_attributions
from prediction_difference.typesetting import NO_BREAK

MAPS = "9"  # a convolution with stride 2 after two blocks: 8 x 4 x 4
RAW = {
    "run": {"name": "test", "seed": 7},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 4, "patches": 2000}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 1}},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    config = parse_config(RAW)
    entry = config.datasets["digits"]
    write_dataset(
        digits.load(entry, "digits", 7), folder / "d.zarr", Origin({"entry": entry.content})
    )
    dataset = read_dataset(folder / "d.zarr")
    prior = config.priors["patches"]
    write_priors(fit_priors(dataset, prior, "patches", 7), [2], dataset, prior, folder / "p.zarr")
    make_classifier(config.classifiers["network"], "network", dataset, 7, "cpu", folder / "c")
    return Inputs(folder / "d.zarr", folder / "c", folder / "p.zarr")


@pytest.fixture
def explain(inputs, tmp_path):
    """Run an explanation with these keys in two chunks, publish its image, return the store."""

    def run(name="e", **keys):
        explanation = {
            "method": "prediction-difference",
            "classifier": "network",
            "images": {"random": 1},
            "samples": 3,
            "chunks": 2,
        } | keys
        config = parse_config(RAW | {"explanations": {name: explanation}})
        prior = inputs.prior if "prior" in keys else None
        own = Inputs(inputs.dataset, inputs.classifier, prior)
        done = [tmp_path / f"{name}-{chunk}.json" for chunk in range(2)]
        for chunk, file in enumerate(done):
            run_chunk(config, name, own, 0, chunk, tmp_path, file, "cpu")
        path = tmp_path / name / "random-1.zarr"
        publish(config, name, "random-1", tmp_path, done, path)
        return path, pda.open_attribution(path).load()

    return run


def network(inputs):
    card = read_card(inputs.classifier)
    return load_module(inputs.classifier, card, "test")


def image_of(inputs, store):
    dataset = read_dataset(inputs.dataset)
    image = dataset.images[dataset.index(store.attrs["image_name"])]
    return image, reference_images(dataset, dataset, "test")


def test_all_maps_of_a_layer_are_explained_in_one_pass(explain, inputs):
    nodes = [{}, {"layer": MAPS, "maps": "all"}, {"layer": MAPS, "unit": 3, "position": [1, 2]}]
    path, store = explain(prior="patches", window=2, nodes=nodes)
    names = ["probability of predicted", *(f"map {n} of {MAPS}" for n in range(8))]
    assert list(store["node"].values) == [*names, f"unit 3 at 1, 2 of {MAPS}"]
    assert list(store["unit"].values) == ["bits", *["activation"] * 9]
    assert store["relevance"].shape == (10, 8, 8)
    assert store.attrs["forwards"] == 7 * 7 * 3
    _, alone = explain("alone", prior="patches", window=2, nodes=[{"layer": MAPS, "maps": [5]}])
    np.testing.assert_allclose(store["relevance"][6], alone["relevance"][0], atol=1e-5)
    image, _ = image_of(inputs, store)
    h = pda.layer_activations(network(inputs), MAPS, image[None])[0]
    values = [node["value"] for node in store.attrs["nodes"]]
    np.testing.assert_allclose(values[1:9], h.mean((1, 2)), atol=1e-5)
    assert values[9] == pytest.approx(h[3, 1, 2], abs=1e-5)
    one = read_maps(path)[6]
    assert one.label_lines[-1] == f"explained map 5 of {MAPS}"
    assert one.facts["class"] is None
    assert one.facts["probability"] is None
    (table,) = explained_tables(read_attributions({"e": [path]}), str)
    assert [row.node for row in table.images[0].maps][6] == f"map 5 of {MAPS}"


@pytest.mark.parametrize("sampler", ["marginal", "conditional"])
def test_windows_of_a_removed_layer_have_its_own_grid(explain, inputs, sampler):
    removed = {"layer": MAPS, "images": 300}
    path, store = explain(sampler=sampler, window=2, removed=removed)
    assert store["relevance"].dims == ("node", "y", "x")
    assert store["relevance"].shape == (1, 4, 4)
    assert store["window_score"].dims == ("node", "window_y", "window_x")
    assert store["image"].dims == ("channel", "image_y", "image_x")
    assert store.attrs["removed"] == {"layer": MAPS, "features": "windows", "shape": [8, 4, 4]}
    assert np.isfinite(store["standard_error"]).all()
    figure = HeatmapPanels(kind="heatmaps", explanations=("e",))
    drawing = draw(figure, "maps", FigureInputs({"e": [path]}))
    assert f"Maps of removed layers show the layer's own places, not pixels: {MAPS} (4 x 4)." in (
        drawing.caption
    )
    assert f"on all maps of the output of {MAPS}" in drawing.caption
    assert read_map(path, 0, 2).facts["removed_layer"] == MAPS


def test_the_pipeline_gives_what_the_package_gives(explain, inputs):
    _, store = explain(sampler="marginal", window=2, removed={"layer": MAPS})
    image, others = image_of(inputs, store)
    module = network(inputs)
    # All reference images, but in the order of the job's draw.
    order = np.sort(job_order(len(others))[:1000])
    sampler = pda.MarginalSampler(pda.layer_activations(module, MAPS, others[order]), 2)
    card = read_card(inputs.classifier)
    instances = card.training_instances[card.weights_for("test")]
    analysis = pda.PredictionDifference(
        module, sampler, 2, samples=3, training_instances=instances, seed=7, layer=MAPS
    )  # fmt: skip
    node = pda.Node.probability(card.class_names.index(store.attrs["predicted"]))
    direct = analysis.attribute(image, [node])
    np.testing.assert_allclose(store["relevance"], direct.relevance, atol=1e-4)


def job_order(count):
    from prediction_difference import randomness

    seed = randomness.key(7, "removed layer", MAPS)
    return randomness.generator(seed).permutation(count)


@pytest.mark.parametrize("sampler", ["marginal", "conditional"])
def test_single_units_of_a_removed_layer_have_an_axis_of_units(explain, sampler):
    removed = {"layer": MAPS, "features": "units", "images": 300}
    path, store = explain(
        sampler=sampler, window=1, removed=removed, nodes=[{"of": 3, "output": "score"}]
    )
    assert store["relevance"].dims == ("node", "layer_unit", "y", "x")
    assert store["relevance"].shape == (1, 8, 4, 4)
    assert store.attrs["removed"]["features"] == "units"
    with pytest.raises(StoreError, match=f"relevance of units of layer '{MAPS}', which no figure"):
        read_map(path, 0, 2)
    (table,) = explained_tables(read_attributions({"e": [path]}), str)
    assert np.isfinite(table.images[0].maps[0].total)


@pytest.mark.parametrize("features", ["windows", "units"])
def test_units_of_a_removed_vector_are_one_row(explain, inputs, features):
    vector = next(n for n, m in network(inputs).named_modules() if type(m).__name__ == "Flatten")
    removed = {"layer": vector.removeprefix("network."), "features": features}
    _, store = explain(sampler="conditional", window=1, removed=removed)
    assert store["relevance"].dims == ("node", "layer_unit")
    assert store["window_score"].dims == ("node", "window_layer_unit")
    assert store["relevance"].shape == (1, 10)


def test_draws_until_a_standard_error(explain):
    path, store = explain(prior="patches", window=2, samples=4, standard_error=0.01, max_samples=60)
    samples = store["window_samples"].values
    assert store["window_samples"].dims == ("window_y", "window_x")
    assert samples.min() >= 4
    assert 4 < samples.max() <= 60
    error = store["window_standard_error"].values[0]
    assert ((error <= 0.01) | (samples > 56)).all()
    assert store.attrs["forwards"] == samples.sum()
    said = "S = 4 draws a window, and more until its standard error is at most 0.01, 60 at most"
    assert said in captions.method(read_maps(path))
    short = captions.short_method(read_maps(path)[0]).replace(NO_BREAK, " ")
    assert short.endswith("S \N{GREATER-THAN OR EQUAL TO} 4")


def test_the_precision_and_its_error_are_noted(explain):
    _, store = explain(prior="patches", window=2)
    assert "window_samples" not in store
    assert store.attrs["precision"] == "float32"
    assert store.attrs["precision_error"] is None
    path, low = explain("low", prior="patches", window=2, precision="bfloat16")
    rounding, sampling = (low.attrs["precision_error"][key] for key in ("rounding", "sampling"))
    is_small = rounding[0] <= sampling[0] / 2
    assert low.attrs["precision"] == ("bfloat16" if is_small else "float32")
    said = "bfloat16 for 1 map with a root mean square error of at most"
    assert (said in captions.method(read_maps(path))) == is_small


def test_a_batch_size_does_not_invalidate_maps(explain):
    path, _ = explain(prior="patches", window=2)
    facts = read_manifest(path).origin.facts
    path, _ = explain("e", prior="patches", window=2, batch_size=5)
    assert read_manifest(path).origin.facts == facts


def test_layers_that_do_not_exist_are_named(explain):
    with pytest.raises(DataError, match="layer 'conv9': is unknown; layers are"):
        explain(prior="patches", window=2, nodes=[{"layer": "conv9", "maps": "all"}])
    with pytest.raises(DataError, match="layer 'conv9': is unknown; layers are"):
        explain(sampler="marginal", window=2, removed={"layer": "conv9"})
