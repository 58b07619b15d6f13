"""Before the first job: problems of the file, of the data and of names, in one list."""

import copy

import nibabel
import numpy as np
import pytest
from PIL import Image

from prediction_difference.errors import ConfigError
from prediction_difference.preflight import checked_config


@pytest.fixture
def raw(tmp_path):
    for name in ("cats/tom", "cats/felix", "dogs/rex", "dogs/bello"):
        file = tmp_path / "photos" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(file)
    return {
        "datasets": {
            "photos": {
                "source": "image-folder",
                "root": str(tmp_path / "photos"),
                "folds": 2,
                "channels": 1,
            }
        },
        "classifiers": {"net": {"kind": "train", "dataset": "photos", "width": 2}},
        "explanations": {
            "maps": {
                "method": "sensitivity",
                "classifier": "net",
                "images": ["cats/tom", "dogs/rex"],
                "nodes": [{"of": "dogs"}],
            }
        },
    }


def problems(raw):
    with pytest.raises(ConfigError, match="problem") as caught:
        checked_config(raw)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_right_passes(raw):
    assert checked_config(raw).explanations["maps"].images == ("cats/tom", "dogs/rex")


def test_images_and_classes_that_the_folder_does_not_have_are_named(raw):
    raw["explanations"]["maps"] |= {"images": ["cats/tim"], "nodes": [{"of": "dog"}]}
    assert problems(raw) == [
        "explanations.maps.images: there is no image 'cats/tim'; did you mean 'cats/tom'?",
        "explanations.maps.nodes.0.of: there is no class 'dog'; did you mean 'dogs'?",
    ]


def test_a_class_that_the_config_alone_rules_out_is_told_once(raw):
    raw["datasets"]["photos"] = {"source": "sklearn-digits"}
    raw["explanations"]["maps"] |= {"images": ["digit-0001"], "nodes": [{"of": "ten"}]}
    (problem,) = problems(raw)
    assert "no class 'ten'" in problem


def test_mistakes_of_file_data_and_names_are_told_together(raw):
    raw = copy.deepcopy(raw)
    raw["rum"] = {}
    raw["datasets"]["missing"] = {"source": "image-folder", "root": "no/such/folder"}
    raw["classifiers"]["own"] = {
        "kind": "torch",
        "dataset": "photos",
        "factory": "a:b",
        "weights": "no.safetensors",
        "training_instances": 1,
    }
    raw["explanations"]["maps"]["images"] = ["rex"]
    found = problems(raw)
    assert len(found) == 4
    for part, problem in zip(
        ("rum: this key", "no/such/folder", "no.safetensors", "no image 'rex'"),
        found,
        strict=True,
    ):
        assert part in problem


def test_a_class_that_is_too_small_to_train_on(raw):
    raw["datasets"]["photos"]["folds"] = 3
    (problem,) = problems(raw | {"explanations": {}})
    assert problem == (
        "classifiers.net.dataset: class number 0: 2 image(s), but 3 parts are asked for; "
        "lower folds or leave test_fraction out, or add images"
    )


def test_photographs_without_classes_to_train_on(raw, tmp_path):
    raw["datasets"]["photos"]["root"] = str(tmp_path / "photos" / "cats")
    (problem,) = problems(raw | {"explanations": {}})
    assert problem == (
        "classifiers.net.dataset: is trained on classes, which images of 'photos' do not have; "
        "put images in class folders"
    )


@pytest.fixture
def pretrained(raw, tmp_path):
    """A network of one's own, explained with a prior that is fitted on other photographs."""
    for name in ("weights.safetensors", "names.txt"):
        (tmp_path / name).write_text("cats\ndogs\n")
    other = tmp_path / "others" / "ball.png"
    other.parent.mkdir()
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(other)
    raw["datasets"]["photos"]["folds"] = None
    raw["datasets"]["others"] = raw["datasets"]["photos"] | {"root": str(other.parent)}
    raw["classifiers"]["net"] = {
        "kind": "torch",
        "dataset": "photos",
        "factory": "a:b",
        "weights": str(tmp_path / "weights.safetensors"),
        "class_names": str(tmp_path / "names.txt"),
        "training_instances": 1,
    }
    raw["priors"] = {"patches": {"dataset": "others", "patch": 4}}
    raw["explanations"]["maps"] |= {
        "method": "prediction-difference",
        "prior": "patches",
        "window": 2,
    }
    return raw


def test_explained_photographs_that_the_prior_is_fitted_on(pretrained, tmp_path):
    assert checked_config(pretrained)
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for name in ("cats/tom", "cats/felix", "dogs/bello"):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
        pixels = pixels + 1
    for name in ("tom", "felix"):
        copy = (tmp_path / "photos" / "cats" / f"{name}.png").read_bytes()
        (tmp_path / "others" / f"copy of {name}.png").write_bytes(copy)
    (problem,) = problems(pretrained)
    assert problem == (
        f"explanations.maps.prior: {tmp_path}/photos/cats/tom.png would be explained by a prior "
        f"that is fitted on it ({tmp_path}/others/copy of tom.png); take them out of 'others', "
        "or fit the prior to 'photos' with folds"
    )
    pretrained["explanations"]["maps"]["images"] = {"random": 1}
    (problem,) = problems(pretrained)
    assert "felix.png), and 1 more; take them out" in problem
    pretrained["explanations"]["maps"]["images"] = ["dogs/bello"]
    assert checked_config(pretrained)


def test_names_of_classes_are_read_from_the_networks_file(pretrained, tmp_path):
    (tmp_path / "names.txt").write_text("newt\nowl\n")
    (problem,) = problems(pretrained)
    assert problem.endswith("nodes.0.of: there is no class 'dogs'; there are newt, owl")
    (tmp_path / "names.txt").write_text("dogs\ndogs\n")
    (problem,) = problems(pretrained)
    assert "names.txt: 'dogs' stands in lines 1 and 2" in problem


def test_a_draw_is_checked_with_the_seed_of_the_run(pretrained, tmp_path):
    """Of a folder with a broken file, only draws that hold it are refused."""
    (tmp_path / "photos" / "cats" / "tom.png").write_bytes(b"no image")
    pretrained["datasets"]["photos"]["images"] = 2
    del pretrained["explanations"]
    refused = []
    for seed in range(12):
        try:
            checked_config(pretrained | {"run": {"seed": seed}})
        except ConfigError:
            refused.append(seed)
    assert 0 < len(refused) < 12


def test_labels_are_not_asked_of_photographs_without_them(pretrained, tmp_path):
    pretrained["datasets"]["photos"]["root"] = str(tmp_path / "photos" / "cats")
    maps = pretrained["explanations"]["maps"]
    maps |= {"images": {"correct": 1, "random": 1}, "nodes": [{}, {"of": "label"}]}
    assert problems(pretrained) == [
        "explanations.maps.images: which images are classified correctly is not known, they have "
        "no labels; set random",
        "explanations.maps.nodes.1.of: the images have no labels; explain predicted",
    ]
    maps |= {"images": {"random": 1}, "nodes": [{}]}
    assert checked_config(pretrained)


def test_columns_that_a_cohort_does_not_have_for_all_are_told(tmp_path):
    import nibabel

    rows = ["participant_id\tgroup\tage"]
    for number in range(4):
        voxels = np.random.default_rng(number).uniform(1, 2, (3, 3, 3)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / f"sub-{number}.nii.gz")
        rows.append(f"sub-{number}\t{'ab'[number % 2]}\t{'n/a' if number == 2 else 40}")
    (tmp_path / "participants.tsv").write_text("\n".join(rows))
    raw = {
        "datasets": {"own": {"source": "nifti-cohort", "root": str(tmp_path), "folds": 2}},
        "classifiers": {
            "diagnosis": {
                "kind": "logistic-regression",
                "dataset": "own",
                "confounds": ["age"],
                "also_predict": ["grup"],
            }
        },
    }
    assert problems(raw) == [
        "classifiers.diagnosis.confounds: column 'age' has no value for sub-2; fill it in, or "
        "remove these subjects",
        "classifiers.diagnosis.also_predict: 'own' has no column 'grup'; did you mean 'group'?",
    ]


@pytest.mark.parametrize(
    ("method", "output"), [("sensitivity", "probability"), ("prediction-difference", None)]
)
def test_the_probability_of_an_only_class_is_found(pretrained, tmp_path, method, output):
    (tmp_path / "names.txt").write_text("cats\n")
    maps = pretrained["explanations"]["maps"]
    is_difference = method == "prediction-difference"
    keys = {"sampler": "marginal", "reference": "others", "window": 2} if is_difference else {}
    common = {"classifier": "net", "images": maps["images"], "method": method}
    pretrained["explanations"]["maps"] = common | keys | {"nodes": [{"output": output}]}
    assert problems(pretrained) == [
        "explanations.maps.nodes.0.output: the classifier has one output, whose probability is 1 "
        "whatever the image shows; explain its score (output: score), or give the network two "
        "outputs"
    ]
    pretrained["explanations"]["maps"]["nodes"] = [{"output": "score"}]
    assert checked_config(pretrained)


@pytest.fixture
def own_cohort(tmp_path):
    """Volumes of 9 x 10 x 11 voxels, of which four slices are taken."""
    rows = ["participant_id\tgroup"]
    generator = np.random.default_rng(0)
    for number in range(4):
        volume = generator.uniform(0.2, 0.5, (9, 10, 11)).astype(np.float32)
        nibabel.save(
            nibabel.Nifti1Image(volume, np.diag([-2, 2, 2, 1])), tmp_path / f"s{number}.nii.gz"
        )
        rows.append(f"s{number}\t{'ab'[number % 2]}")
    (tmp_path / "participants.tsv").write_text("\n".join(rows) + "\n")
    slab = {"axis": 1, "start": 2, "stop": 6}
    evidence = {"classifier": "plane", "images": ["s1"], "method": "prediction-difference"}
    return {
        "datasets": {
            "own": {"source": "nifti-cohort", "root": str(tmp_path), "folds": 2, "slab": slab}
        },
        "priors": {"patches": {"dataset": "own", "patch": 4}},
        "classifiers": {"plane": {"kind": "logistic-regression", "dataset": "own"}},
        "explanations": {"evidence": evidence | {"prior": "patches", "window": 3}},
    }


def test_a_patch_that_does_not_fit_into_a_slab_of_files_is_found(own_cohort):
    assert checked_config(own_cohort)
    own_cohort["priors"]["patches"]["patch"] = 7
    assert problems(own_cohort) == [
        "priors.patches.patch: patch=7 does not fit inside images of 9 x 4 x 11; set patch to at "
        "most 4, or take more slices"
    ]
    own_cohort["datasets"]["own"]["slab"] = None
    assert checked_config(own_cohort)
    own_cohort["priors"]["patches"]["patch"] = 10
    assert problems(own_cohort) == [
        "priors.patches.patch: patch=10 does not fit inside images of 9 x 10 x 11; set patch to at "
        "most 9"
    ]


def test_windows_that_do_not_fit_into_a_slab_or_a_patch_are_found(own_cohort):
    evidence = own_cohort["explanations"]["evidence"]
    evidence["window"] = 4
    assert problems(own_cohort) == [
        "explanations.evidence.window: window=4 does not fit inside patch=4 of prior 'patches'; "
        "set window to at most 3, or patch to at least 5"
    ]
    marginal = {key: value for key, value in evidence.items() if key != "prior"}
    for window, count in ((4, 0), (5, 1)):
        others = {"sampler": "marginal", "window": window, "stride": 1}
        own_cohort["explanations"]["evidence"] = marginal | others
        occlusion = {"classifier": "plane", "images": ["s1"], "window": window, "stride": 1}
        own_cohort["explanations"]["plain"] = {"method": "occlusion", **occlusion}
        said = [
            f"explanations.{name}.window: window=5 does not fit inside images of 9 x 4 x 11; set "
            "window to at most 4"
            for name in ("evidence", "plain")
        ]
        assert (problems(own_cohort) if count else []) == said * count


def test_slices_that_files_do_not_have_are_found(own_cohort):
    own_cohort["figures"] = {
        "slices": {"kind": "volume-slices", "explanations": ["evidence"], "slices": [8, 9]}
    }
    (problem,) = problems(own_cohort)
    assert problem == "figures.slices.slices: there is no slice 9 on axis 0; there are 0 to 8"


def test_a_patch_that_does_not_fit_into_photographs_of_a_folder_is_found(raw):
    raw["priors"] = {"patches": {"dataset": "photos", "patch": 9}}
    raw["explanations"]["maps"] |= {
        "method": "prediction-difference",
        "prior": "patches",
        "window": 2,
    }
    assert problems(raw) == [
        "priors.patches.patch: patch=9 does not fit inside images of 8 x 8; set patch to at most 8"
    ]


def test_sizes_and_broken_files_are_told_together(own_cohort, tmp_path):
    own_cohort["priors"]["patches"]["patch"] = 7
    (tmp_path / "s0.nii.gz").write_bytes(b"no volume")
    found = problems(own_cohort)
    assert any("priors.patches.patch: patch=7" in problem for problem in found)
    assert any("s0.nii.gz" in problem for problem in found)
