"""Caffe's networks: their layers and sizes, their weights in Caffe's own files, real decisions."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from prediction_difference.classifiers import caffe, pretrained
from prediction_difference.classifiers.caffemodel import read_caffemodel
from prediction_difference.classifiers.networks import with_preprocessing
from prediction_difference.classifiers.normalisation import NORMALISATIONS
from prediction_difference.errors import DataError

CAFFE = NORMALISATIONS["caffe"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    # As the papers of the networks and Caffe's logs count them.
    [
        ("googlenet", 6_998_552),
        ("caffenet", 60_965_224),
        ("alexnet", 60_965_224),
        ("places205", 60_965_224 - 795 * 4097),
    ],
)
def test_networks_have_as_many_parameters_as_published(name, parameters):
    with torch.device("meta"):
        network = getattr(caffe, name)()
    assert sum(p.numel() for p in network.parameters()) == parameters


def shapes(network: nn.Module, side: int) -> dict[str, tuple[int, ...]]:
    """Shape of every layer's output for one image."""
    found: dict[str, tuple[int, ...]] = {}
    for name, layer in network.named_children():
        layer.register_forward_hook(
            lambda _, __, output, name=name: found.update({name: tuple(output.shape[1:])})
        )
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, side, side))
    return found


def test_layers_of_googlenet_have_caffes_names_and_sides():
    found = shapes(caffe.googlenet(), 224)
    assert found["conv1/7x7_s2"] == (64, 112, 112)
    assert found["pool1/3x3_s2"] == (64, 56, 56)
    assert found["conv2/norm2"] == (192, 56, 56)
    assert found["inception_3a/output"] == (256, 28, 28)
    assert found["inception_3b/output"] == (480, 28, 28)
    assert found["inception_4a/output"] == (512, 14, 14)
    assert found["inception_4e/output"] == (832, 14, 14)
    assert found["inception_5b/output"] == (1024, 7, 7)
    assert found["loss3/classifier"] == (1000,)


@pytest.mark.parametrize(("name", "first"), [("caffenet", "pool1"), ("alexnet", "norm1")])
def test_alexnet_and_caffenet_differ_in_the_order_of_pool_and_norm(name, first):
    found = shapes(getattr(caffe, name)(), 227)
    assert list(found).index(first) == 2
    assert found["conv1"] == (96, 55, 55)
    assert found["pool1"] == (96, 27, 27)
    assert found["pool5"] == (256, 6, 6)
    assert found["fc8"] == (1000,)


# --- .caffemodel: messages written by hand after the description of the format ------------------


def varint(number: int) -> bytes:
    low = number & 127
    return bytes([low]) if number < 128 else bytes([low | 128]) + varint(number >> 7)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(values: np.ndarray, old: bool, double: bool = False) -> bytes:
    if old:
        sides = (1,) * (4 - values.ndim) + values.shape
        shape = b"".join(varint(n << 3) + varint(side) for n, side in enumerate(sides, 1))
    else:
        shape = field(7, field(1, b"".join(map(varint, values.shape))))
    data = values.astype("<f8" if double else "<f4").tobytes()
    return shape + field(8 if double else 5, data)


def layer(name: str, tensors: list[bytes], old: bool) -> bytes:
    blobs = b"".join(field(6 if old else 7, one) for one in tensors)
    # A field that holds no weights, such as Caffe writes many: it has to be passed over.
    other = field(3 if old else 2, b"Convolution")
    return field(2 if old else 100, field(4 if old else 1, name.encode()) + other + blobs)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.add_module("conv/3x3", nn.Conv2d(4, 6, 3, groups=2))
        self.add_module("fc", nn.Linear(6, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.get_submodule("fc")(self.get_submodule("conv/3x3")(images).mean((2, 3)))


def written(file, network: nn.Module, old: bool, **extra: bool):
    layers = [
        layer(name, [blob(p.detach().numpy(), old, **extra) for p in part.parameters()], old)
        for name, part in network.named_children()
    ]
    trained_with = layer("loss1/conv", [blob(np.ones((2, 2)), old)], old)
    file.write_bytes(field(1, b"a network") + b"".join(layers) + trained_with)
    return file


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("double", [False, True])
def test_weights_of_old_and_new_files_are_read(tmp_path, old, double):
    torch.manual_seed(0)
    network, other = Small(), Small()
    pretrained.load_weights(other, written(tmp_path / "a.caffemodel", network, old, double=double))
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_files_that_hold_no_weights_are_named(tmp_path):
    whole = written(tmp_path / "a.caffemodel", Small(), False).read_bytes()
    cases = {
        "cut": (whole[:-5], "is no caffemodel, or cut short"),
        "text": (b"<html>not found</html>", "is no caffemodel, or cut short"),
        "empty": (b"", "holds no layer with weights"),
        "torn": (
            layer("fc", [field(7, field(1, bytes([3, 5]))) + field(5, bytes(8))], False),
            r"layer 'fc' holds 2 numbers for the shape \(3, 5\)",
        ),
    }
    for name, (content, message) in cases.items():
        file = tmp_path / f"{name}.caffemodel"
        file.write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}\.caffemodel: {message}"):
            read_caffemodel(file)
    with pytest.raises(DataError, match="cannot be read"):
        pretrained.load_weights(Small(), tmp_path / "none.caffemodel")


# --- real weights -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.realdata
def test_googlenet_ranks_photographs_as_published(pda_data):
    folder = pda_data / "imagenet_sample"
    ids = [line.split()[0] for line in (folder / "synset_words.txt").read_text().splitlines()]
    network = caffe.googlenet().eval()
    pretrained.load_weights(network, pda_data / "weights" / "bvlc_googlenet.safetensors")
    whole = with_preprocessing(network, CAFFE)
    ranks = []
    files = sorted(folder.glob("*.JPEG"))
    for start in range(0, len(files), 25):
        batch = np.stack([photograph(file) for file in files[start : start + 25]])
        with torch.inference_mode():
            scores = whole(torch.from_numpy(batch))
        for file, own in zip(files[start : start + 25], scores, strict=True):
            label = ids.index(file.name.partition("_")[0])
            ranks.append(int((own > own[label]).sum()) + 1)
    assert len(ranks) == 250
    assert np.mean(np.array(ranks) == 1) == pytest.approx(0.82, abs=0.01)
    assert np.mean(np.array(ranks) <= 5) == pytest.approx(0.94, abs=0.01)


def photograph(file) -> np.ndarray:
    """(3, 224, 224) in 0 to 1, cut from 256 x 256 as Caffe does."""
    with Image.open(file) as opened:
        warped = opened.convert("RGB").resize((256, 256), Image.Resampling.BILINEAR)
    pixels = np.asarray(warped.crop((16, 16, 240, 240)), dtype=np.float32) / 255
    return pixels.transpose(2, 0, 1)


@pytest.mark.realdata
def test_the_real_file_holds_every_tensor_under_caffes_names(pda_data):
    tensors = load_file(pda_data / "weights" / "bvlc_googlenet.safetensors")
    assert tensors.keys() == caffe.googlenet().state_dict().keys()
