"""Maps of volumes as other programs read them."""

import json

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner

import prediction_difference as pda
from prediction_difference import layout
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.nifti import write_nifti
from prediction_difference.attribution.publishing import publish
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.cli.main import app
from prediction_difference.config import parse_config
from prediction_difference.data import nifti_cohort
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.errors import StoreError
from prediction_difference.manifest import Origin, digest_of
from prediction_difference.priors.store import fit_priors, write_priors

SHAPE = (9, 8, 7)
OBLIQUE = np.array([[-2, 0.3, 0, 90], [0.3, 2, 0, -126], [0, 0, 3, -72], [0, 0, 0, 1.0]])
"""Turned about z, up to float rounding of its codes' two forms."""
ENTRY = {"classifier": "diagnosis", "images": ["sub-0", "sub-7"]}
EXACT = {"method": "prediction-difference", "prior": "patches", "window": 2, **ENTRY}
RAW = {
    "run": {"name": "volumes"},
    "priors": {"patches": {"dataset": "cohort", "patch": 3, "patches": 500}},
    "classifiers": {"diagnosis": {"kind": "logistic-regression", "dataset": "cohort"}},
    "explanations": {
        "exact": EXACT,
        "sampled": {
            "method": "prediction-difference",
            "sampler": "marginal",
            "window": 2,
            "nodes": [{"classes": "all"}],
            **ENTRY,
        },
        "weights": {"method": "weights", **ENTRY},
        "pattern": {"method": "pattern", **ENTRY},
        "deviation": {"method": "deviation", **ENTRY},
        "occlusion": {"method": "occlusion", "window": 2, "stride": 2, **ENTRY},
    },
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A cohort of eight as NIfTI files, a slab of it explained in every way."""
    folder = tmp_path_factory.mktemp("volumes")
    generator = np.random.default_rng(5)
    lines = ["participant_id\tgroup"]
    for number in range(8):
        values = 0.5 + 0.1 * generator.normal(size=SHAPE) + 0.05 * (number % 2)
        image = nibabel.Nifti1Image(values.astype(np.float32), OBLIQUE)
        image.set_sform(OBLIQUE, code=4)
        image.set_qform(OBLIQUE, code=2)
        nibabel.save(image, folder / f"sub-{number}.nii.gz")
        lines.append(f"sub-{number}\t{'patient' if number % 2 else 'control'}")
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n")
    source = {"source": "nifti-cohort", "root": str(folder), "folds": 2}
    slab = {"axis": 1, "start": 2, "stop": 6}
    config = parse_config(RAW | {"datasets": {"cohort": {**source, "slab": slab}}})
    entry, data = config.datasets["cohort"], folder / "d.zarr"
    loaded = nifti_cohort.load(entry, "cohort", 0)
    write_dataset(loaded, data, Origin({"entry": entry.content}))
    dataset, prior = read_dataset(data), folder / "p.zarr"
    fitted = fit_priors(dataset, config.priors["patches"], "patches", 0)
    write_priors(fitted, [2], dataset, config.priors["patches"], prior)
    classifier = folder / "classifiers/diagnosis"
    make_classifier(config.classifiers["diagnosis"], "diagnosis", dataset, 0, "cpu", classifier)
    for name, explanation in config.explanations.items():
        inputs = Inputs(data, classifier, prior if name == "exact" else None)
        done = folder / f"{name}.json"
        run_chunk(config, name, inputs, 0, 0, folder / "work", done, "cpu")
        for slot in slots(explanation):
            store = layout.attribution_store(folder, name, slot)
            publish(config, name, slot, folder / "work", [done], store)
    return folder


def files(results, name, slot="sub-0"):
    store = layout.attribution_store(results, name, slot)
    path = layout.nifti_file(store)
    sidecar = json.loads(path.with_name(f"{slot}.json").read_text())
    return pda.open_attribution(store), nibabel.load(path), sidecar


@pytest.mark.parametrize("name", [n for n in RAW["explanations"] if n != "sampled"])
@pytest.mark.parametrize("slot", ENTRY["images"])
def test_a_map_lies_on_the_grid_of_its_input(results, name, slot):
    store, image, _ = files(results, name, slot)
    given = nibabel.load(results / f"{slot}.nii.gz")
    assert image.shape == given.shape
    np.testing.assert_allclose(image.affine, given.affine, atol=1e-5)
    for key in ("qform_code", "sform_code"):
        assert image.header[key] == given.header[key]
    np.testing.assert_allclose(image.get_qform(), given.get_qform(), atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.get_data_dtype() == np.float32
    voxels = np.asarray(image.dataobj)
    np.testing.assert_array_equal(voxels[:, 2:6], store["relevance"].values[0])
    assert not voxels[:, :2].any()
    assert not voxels[:, 6:].any()


def test_a_voxel_of_the_overlay_is_that_of_the_input_in_millimetres(results):
    store, image, _ = files(results, "exact")
    place = np.array([4, 3, 5])
    of_slab = np.array(store.attrs["affine"]) @ [4, 1, 5, 1]
    np.testing.assert_allclose((image.affine @ [*place, 1])[:3], of_slab[:3], atol=1e-5)
    assert image.dataobj[4, 3, 5] == store["relevance"].values[0, 4, 1, 5]
    assert (
        store["image"].values[0, 4, 1, 5] == nibabel.load(results / "sub-0.nii.gz").dataobj[4, 3, 5]
    )


def test_nodes_lie_along_the_fourth_axis_and_errors_in_a_file_of_their_own(results):
    store, image, sidecar = files(results, "sampled")
    assert image.shape == (*SHAPE, 2)
    errors = nibabel.load(layout.nifti_file(results / "attributions/sampled/sub-0_standard-error"))
    for n, values in enumerate(store["standard_error"].values):
        np.testing.assert_array_equal(errors.dataobj[:, 2:6, :, n], values)
        np.testing.assert_array_equal(image.dataobj[:, 2:6, :, n], store["relevance"].values[n])
    assert (np.asarray(errors.dataobj)[:, 2:6] > 0).all()
    assert sidecar["standard_error"] == "sub-0_standard-error.nii.gz"
    assert [m["node"] for m in sidecar["maps"]] == list(store["node"].values)


def test_the_sidecar_says_what_the_map_is(results):
    store, _, sidecar = files(results, "exact", "sub-7")
    assert sidecar["note"] == (
        "Out of fold: by a classifier fitted without this subject. The prior was fitted without "
        "this subject. Not for clinical use."
    )
    _, _, of_plane = files(results, "deviation")
    assert "prior" not in of_plane["note"]
    assert sidecar["standard_error"] is None
    assert not (results / "attributions/exact/sub-7_standard-error.nii.gz").exists()
    assert sidecar["inputs"] == store.attrs["inputs"]
    assert sidecar["inputs"]["data/cohort.zarr"] == digest_of(results / "d.zarr")
    assert sidecar["image_name"] == "sub-7"
    assert sidecar["split"].startswith("fold")
    assert sidecar["settings"]["window"] == 2
    (one,) = sidecar["maps"]
    top = np.abs(store["relevance"].values).max()
    assert one["unit"] == "bits"
    assert one["hide_below"] == {"15%": pytest.approx(0.15 * top), "10%": pytest.approx(0.1 * top)}


def test_comparators_see_only_the_training_fold(results):
    dataset = read_dataset(results / "d.zarr")
    store, _, _ = files(results, "deviation")
    index = dataset.index("sub-0")
    others = dataset.images[~dataset.in_split(dataset.split[index])]
    expected = (dataset.images[index] - others.mean(0, dtype=float))[0]
    sign = -1 if store.attrs["nodes"][0]["class"] == "patient" else 1
    np.testing.assert_allclose(store["relevance"].values[0], sign * expected, atol=1e-6)


def test_the_command_writes_the_same_files(results, tmp_path):
    store = layout.attribution_store(results, "sampled", "sub-7")
    output = tmp_path / "map.nii.gz"
    done = CliRunner().invoke(app, ["nifti", str(store), "--output", str(output)])
    assert done.exit_code == 0, done.output
    beside = layout.nifti_file(store)
    assert output.read_bytes() == beside.read_bytes()
    for name in ("map.json", "map_standard-error.nii.gz"):
        assert (tmp_path / name).is_file()


def test_a_stale_file_of_errors_is_removed(results, tmp_path):
    stale = tmp_path / "map_standard-error.nii.gz"
    stale.write_bytes(b"")
    store = pda.open_attribution(layout.attribution_store(results, "exact", "sub-0"))
    write_nifti(store, tmp_path / "map.nii.gz")
    assert not stale.exists()


def test_what_is_no_volume_is_refused(results, tmp_path):
    store = pda.open_attribution(layout.attribution_store(results, "exact", "sub-0"))
    with pytest.raises(StoreError, match=r"does not end in \.nii\.gz"):
        write_nifti(store, tmp_path / "map.nii")
    with pytest.raises(StoreError, match="holds no maps of a volume's voxels"):
        write_nifti(store.assign_attrs(geometry=None), tmp_path / "map.nii.gz")


def test_snakemake_is_told_of_every_file(results):
    source = {"source": "nifti-cohort", "root": str(results), "folds": 2}
    config = parse_config(RAW | {"datasets": {"cohort": source}})
    found = layout.exported_files(config, results, "exact")
    assert [file.name for file in found] == [
        f"{slot}.{kind}" for slot in ENTRY["images"] for kind in ("nii.gz", "json")
    ]
    assert all(file.is_file() for file in found)
