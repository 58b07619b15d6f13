"""Networks with weights from elsewhere: known ones by name, and a user's own."""

import importlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from pickle import UnpicklingError
from typing import Any, Protocol
from urllib.parse import urlparse

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from prediction_difference.classifiers.caffemodel import read_caffemodel
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.errors import DataError
from prediction_difference.files import sha256

_INCEPTION = {"init_weights": False, "aux_logits": False, "transform_input": True}
"""Both Inception networks as their weights were trained, without the auxiliary classifiers."""
_OPTIONS = {"googlenet": _INCEPTION, "inception_v3": _INCEPTION}
_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.", "loss1/", "loss2/")
"""Beginnings of names of tensors that only training needs."""


class Pretrained(Protocol):
    """A kind whose networks are loaded with weights from elsewhere."""

    @property
    def kind(self) -> str: ...

    @property
    def normalisation(self) -> Normalisation | None: ...

    @property
    def training_instances(self) -> int: ...

    @property
    def class_names(self) -> Path | None: ...

    def load(self) -> tuple[nn.Module, tuple[str, ...] | None]:
        """The network with its weights, and its class names where the weights tell them."""


def torchvision_network(model: str) -> nn.Module:
    """A network of torchvision's without its weights.

    Raises:
        DataError: torchvision has no such model.
    """
    _torchvision_weights(model)
    return _torchvision_network(model, None)


def load_torchvision(settings: TorchvisionNetwork) -> tuple[nn.Module, tuple[str, ...] | None]:
    """The network with its weights, and its class names where these are known of the weights.

    Raises:
        DataError: no such model or weights; weights that cannot be fetched, or a file that does
            not fit the network; or another normalisation than the enum entry's.
    """
    enum = _torchvision_weights(settings.model)
    if settings.weights in enum.__members__:
        entry = enum[settings.weights]
        _check_normalisation(settings, entry)
        _refuse_changed(entry)
        network = _torchvision_network(settings.model, entry)
        return network, tuple(entry.meta["categories"])
    if not Path(settings.weights).is_file():
        raise DataError(
            f"weights {settings.weights!r}",
            f"are neither a file nor an entry of {settings.model}'s weights",
            f"entries are {', '.join(enum.__members__)}",
        )
    network = torchvision_network(settings.model)
    load_weights(network, Path(settings.weights))
    return network, None


def imagenet_classes() -> tuple[str, ...]:
    """Names of ImageNet's 1000 classes in the order in which networks have them."""
    return tuple(_torchvision_weights("alexnet").DEFAULT.meta["categories"])


def _torchvision_network(name: str, weights: Any) -> nn.Module:
    import torchvision

    try:
        with _weights_only():
            network: nn.Module = torchvision.models.get_model(
                name, weights=weights, **_OPTIONS.get(name, {})
            )
    except (OSError, RuntimeError, UnpicklingError) as error:
        if weights is None:
            raise
        if isinstance(error, UnpicklingError):
            raise DataError(
                _cached(weights.url),
                "is no weights-only file, and none of torchvision's",
                "delete it: it is fetched again",
            ) from error
        raise DataError(
            f"weights {weights.name} of {name}",
            f"cannot be fetched from {weights.url} ({error})",
            "try again, or fetch this file elsewhere and give its path as weights",
        ) from error
    return network


@contextmanager
def _weights_only() -> Iterator[None]:
    """Let torch read no file that holds more than weights, also where torchvision asks it to."""
    before = os.environ.get(_FORCED)
    os.environ[_FORCED] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FORCED]
        else:
            os.environ[_FORCED] = before


def _refuse_changed(weights: Any) -> None:
    """See that a file that was fetched before is the one that torchvision names.

    Raises:
        DataError: its SHA-256 does not begin with the digits in its name.
    """
    file = _cached(weights.url)
    digits = re.search(r"-([0-9a-f]{8,})\.", file.name)
    if digits and file.is_file() and not sha256(file).startswith(digits[1]):
        what = "does not hold the weights that its name's checksum tells"
        raise DataError(file, what, "delete it: it is fetched again")


def _cached(address: str) -> Path:
    """Where torch keeps what it fetched."""
    return Path(torch.hub.get_dir(), "checkpoints", PurePosixPath(urlparse(address).path).name)


def _torchvision_weights(name: str) -> Any:
    # Half of the seconds in which a job starts, which other networks need not wait for.
    import torchvision

    try:
        return torchvision.models.get_model_weights(name)
    except ValueError as error:
        few = ", ".join(torchvision.models.list_models(module=torchvision.models)[:8])
        raise DataError(
            f"model {name!r}", "torchvision has no such classifier", f"it has {few}, ..."
        ) from error


def _check_normalisation(settings: TorchvisionNetwork, entry: Any) -> None:
    """Refuse another normalisation than the weights were trained with."""
    transforms = entry.transforms()
    mean, std = tuple(transforms.mean), tuple(transforms.std)
    if settings.normalisation != Normalisation(mean=mean, std=std):
        raise DataError(
            f"normalisation of {settings.model!r}",
            f"is not the one that the weights {entry.name} were trained with",
            f"set it to {{mean: {list(mean)}, std: {list(std)}}}",
        )


def from_factory(factory: str) -> nn.Module:
    """A network that a user's function returns.

    Raises:
        DataError: the function cannot be imported, or returns something else.
    """
    module_name, _, function_name = factory.partition(":")
    where = f"factory {factory!r}"
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise DataError(
            where, f"cannot be imported ({error})", "set PYTHONPATH to the folder of the module"
        ) from error
    network = function()
    if not isinstance(network, nn.Module):
        raise DataError(where, f"returned {type(network).__name__}", "return a torch module")
    return network


def load_weights(network: nn.Module, file: Path) -> None:
    """Load a safetensors, caffemodel or weights-only file into a network, all of it or nothing.

    Raises:
        DataError: the file is missing, unreadable, or its tensors are not those of the network.
    """
    own = network.state_dict()
    read = _read_tensors(file)
    tensors = {n: t for n, t in read.items() if n in own or not n.startswith(_AUXILIARY)}
    problems = [f"{name} is missing" for name in sorted(own.keys() - tensors.keys())]
    problems += [
        f"{name} is not a tensor of the network" for name in sorted(tensors.keys() - own.keys())
    ]
    problems += [
        f"{name} has shape {tuple(tensors[name].shape)} and not {tuple(own[name].shape)}"
        for name in sorted(own.keys() & tensors.keys())
        if own[name].shape != tensors[name].shape
    ]
    if problems:
        shown = ", ".join(problems[:4]) + (f" and {len(problems) - 4} more" if problems[4:] else "")
        raise DataError(
            file,
            f"the weights do not fit the network: {shown}",
            "choose the matching file or network",
        )
    network.load_state_dict(tensors)


def _read_tensors(file: Path) -> Mapping[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        if file.suffix == ".caffemodel":
            return read_caffemodel(file)
        content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except DataError:
        raise
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(file, f"cannot be read ({error})", "give a safetensors file") from error
    except Exception as error:
        # torch raises pickle's UnpicklingError for files that hold more than weights.
        raise DataError(
            file, "is no weights-only file", "save the state_dict, best as safetensors"
        ) from error
    if not isinstance(content, Mapping):
        raise DataError(file, "holds no state_dict", "save network.state_dict()")
    return content
