"""The command that explains somebody's photographs without a configuration."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
import yaml
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from example_photographs import save
from prediction_difference import open_attribution
from prediction_difference.cli import main
from prediction_difference.cli.own_photographs import BVLC, Request, prepare
from prediction_difference.config import parse_config
from prediction_difference.data import skimage_samples
from prediction_difference.data.photographs import load
from prediction_difference.data.sources.image_folder import ImageFolder
from prediction_difference.errors import ConfigError, DataError

MODULE = """
from torch import nn

def network():
    features = nn.Sequential(nn.Conv2d(3, 4, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
    return nn.Sequential(features, nn.Flatten(), nn.Linear(16, 2))
"""


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    for number in range(3):
        save(folder / f"it's {number}.png", (50, 60, 3), number)
    return folder


@pytest.fixture
def own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that describe a network of two classes."""
    (tmp_path / "explained_network.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    torch.manual_seed(0)
    scope: dict[str, Any] = {}
    exec(MODULE, scope)
    network: nn.Module = scope["network"]()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    return [
        "--classifier", "explained_network:network",
        "--weights", str(tmp_path / "weights.safetensors"),
        "--class-names", str(tmp_path / "classes.txt"),
        "--preprocessing", "plain",
        "--training-instances", "1000",
        "--size", "32",
        "--stride", "10",
        "--samples", "2",
    ]  # fmt: skip


def explain(monkeypatch: pytest.MonkeyPatch, *arguments: object, code: int = 0) -> None:
    monkeypatch.setattr(sys, "argv", ["prediction-difference", "explain", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code


def test_maps_pictures_and_pages_are_written(
    photographs: Path, own_network: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    # A prior from the very folder of the photographs: without the two that it explains.
    chosen = [photographs / "it's 0.png", photographs / "it's 2.png"]
    options = [*own_network, "--background", photographs, "--output", folder]
    explain(monkeypatch, *chosen, *options)
    stores = sorted((folder / "attributions/evidence").glob("*.zarr"))
    assert len(stores) == 2
    store = open_attribution(stores[1])
    assert store.attrs["image_name"] == "it's 2"
    assert store["relevance"].shape == (2, 32, 32)
    # Of two classes, one is as much more likely as the other is less.
    for_cat, for_dog = store["relevance"].values
    np.testing.assert_allclose(for_cat, -for_dog, atol=1e-5)
    assert np.abs(for_cat).max() > 1e-3
    pictures = sorted((folder / "figures/own-photographs").glob("*.png"))
    assert [picture.stem for picture in pictures] == ["it-s-0", "it-s-2"]
    assert "it&#39;s 2" in (folder / "index.html").read_text()
    assert (folder / "maps.html").is_file()


def test_a_second_call_replaces_the_first_one_and_nothing_else(
    photographs: Path, own_network: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    options = [*own_network, "--background", photographs, "--output", folder]
    explain(monkeypatch, photographs / "it's 0.png", *options, "--class", "dog")
    first = open_attribution(folder / "attributions/evidence/it%27s%200.zarr")["relevance"].values
    explain(monkeypatch, photographs / "it's 0.png", *options, "--class", "1")
    again = open_attribution(folder / "attributions/evidence/it%27s%200.zarr")["relevance"].values
    np.testing.assert_array_equal(first, again)


def test_a_folder_of_something_else_is_left_alone(
    photographs: Path,
    own_network: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = sorted(photographs.rglob("*"))
    explain(monkeypatch, photographs, *own_network, "--output", photographs, code=2)
    assert "holds something else than an explanation" in capsys.readouterr().err
    assert sorted(photographs.rglob("*")) == before


def test_the_same_is_a_configuration(photographs: Path, tmp_path: Path) -> None:
    request = Request((photographs,), "squeezenet1_0", classes=("lynx", "3"), clinical=True)
    settings = yaml.safe_load(yaml.safe_dump(prepare(request, tmp_path / "out")))
    config = parse_config(settings)
    assert config.explanations["evidence"].images == ("it's 0", "it's 1", "it's 2")
    assert [node.of for node in config.explanations["evidence"].nodes] == ["lynx", 3]
    assert set(config.figures) == {"it-s-0", "it-s-1", "it-s-2"}
    assert config.datasets["photographs"].clinical
    assert not config.datasets["background"].is_clinical


@pytest.mark.parametrize("name", ["squeezenet1_0", "efficientnet_b1", "inception_v3", "vit_b_16"])
def test_preprocessing_of_torchvisions_weights_is_theirs(
    name: str, photographs: Path, tmp_path: Path
) -> None:
    """Against the very transforms, on an image that is neither square nor small."""
    save(photographs / "large.png", (410, 530, 3), 7)
    settings = prepare(Request((photographs / "large.png",), name), tmp_path / "out")
    dataset = ImageFolder(**settings["datasets"]["photographs"])
    image = load(dataset, "photographs", 0).images[0]
    normalisation = settings["classifiers"]["network"]["normalisation"]
    mean, std = (np.array(normalisation[key])[:, None, None] for key in ("mean", "std"))
    transforms = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    with_theirs = transforms(Image.open(photographs / "large.png")).numpy()
    np.testing.assert_allclose((image - mean) / std, with_theirs, atol=1e-4)


@pytest.mark.parametrize("name", BVLC)
def test_networks_of_caffe_are_known_but_for_their_weights(
    name: str, photographs: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="add --weights"):
        prepare(Request((photographs,), name), tmp_path / "out")
    request = Request((photographs,), name, weights="bvlc.caffemodel")
    settings = prepare(request, tmp_path / "out")
    config = parse_config(settings)
    classifier = config.classifiers["network"]
    assert classifier.normalisation.order == "bgr"
    names = Path(classifier.class_names).read_text().splitlines()
    assert len(names) == len(set(names)) == 1000
    assert config.datasets["photographs"].resize == (256, 256) or name != "bvlc-googlenet"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "squeezenet1"}, "did you mean 'squeezenet1_"),
        ({"network": "my:network"}, "--weights, --preprocessing, --class-names, --training-inst"),
        ({"network": "alexnet", "weights": "nowhere.pth"}, "nowhere.pth: is neither a file nor"),
        ({"network": "alexnet", "weights": __file__}, "add --preprocessing: imagenet, caffe, pla"),
        (
            {"network": "alexnet", "weights": __file__, "preprocessing": "cafe"},
            "--preprocessing cafe: is unknown; did you mean 'caffe'?",
        ),
        ({"network": "alexnet", "size": 100}, "leave --preprocessing and --size out"),
        (
            {"network": "efficientnet-lite0", "size": 100, "weights": "w.pth"},
            "efficientnet-lite0: has its own --weights, --size; leave them out",
        ),
        ({"network": "efficientnet-lite"}, "did you mean 'efficientnet-lite0'?"),
    ],
)
def test_what_is_not_known_is_asked_for(
    options: dict[str, Any], message: str, photographs: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as refused:
        prepare(Request((photographs,), **options), tmp_path / "out")
    assert message in str(refused.value)


def test_photographs_that_cannot_be_used_are_named_together(
    photographs: Path, tmp_path: Path
) -> None:
    (photographs / "broken.jpg").write_bytes(b"no photograph")
    (photographs / "cat.heic").write_bytes(b"no photograph")
    save(photographs / "it's 0.jpg", (50, 60, 3))
    chosen = ("broken.jpg", "cat.heic", "it's 0.jpg", "it's 0.png", "missing.png")
    request = Request(tuple(photographs / name for name in chosen), "squeezenet1_0")
    with pytest.raises(ConfigError) as refused:
        prepare(request, tmp_path / "out")
    assert len(refused.value.problems) == 4
    said = str(refused.value)
    for words in ("broken.jpg: cannot be read", "cat.heic: is no photograph", "missing.png"):
        assert words in said
    assert "it's 0.png: has the name of" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_cat_is_explained_with_nothing_but_its_photograph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the network whose weights are there; the cat is taken out of the prior's photographs."""
    cat = skimage_samples.find().root / "chelsea.png"
    options = ["--window", "32", "--stride", "32", "--samples", "2"]
    explain(monkeypatch, cat, *options, "--output", tmp_path / "out")
    store = open_attribution(tmp_path / "out/attributions/evidence/chelsea.zarr")
    assert [n["class"] for n in store.attrs["nodes"]] == ["tiger cat", "Egyptian cat", "tabby"]
    assert np.isfinite(store["relevance"].values).all()
    config = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    assert "chelsea.png" not in config["datasets"]["background"]["files"]
    assert config["classifiers"]["network"]["kind"] == "efficientnet-lite0"


@pytest.mark.slow
@pytest.mark.realdata
def test_a_real_photograph(pda_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of evidence for a cockatoo lie where it is, by SqueezeNet's real weights."""
    name = "n01819313_sulphur-crested_cockatoo"
    explain(
        monkeypatch,
        pda_data / f"imagenet_sample/{name}.JPEG",
        "--classifier", "squeezenet1_0",
        "--weights", pda_data / "weights/squeezenet1_0_imagenet.safetensors",
        "--preprocessing", "caffe",
        "--window", "20", "--stride", "20", "--samples", "2", "--top", "1",
        "--output", tmp_path / "out",
    )  # fmt: skip
    store = open_attribution(tmp_path / f"out/attributions/evidence/{name}.zarr")
    assert store.attrs["predicted"] == "sulphur-crested cockatoo"
    assert np.isfinite(store["relevance"].values).all()
