"""Looking at the layers of a torch module while it runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.attribution.engines.refusal import check_network, taking
from prediction_difference.attribution.engines.sampled import (
    in_batches,
    layer_values,
    places_by_layer,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.choices import Device
from prediction_difference.errors import DataError
from prediction_difference.images import check_images
from prediction_difference.options import checked

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

_BATCH = 32


def find_layer(module: "nn.Module", name: str) -> "nn.Module":
    """A layer of a module by its name.

    Raises:
        DataError: there is none of this name.
    """
    try:
        return module.get_submodule(name)
    except AttributeError as error:
        known = ", ".join([n for n, _ in module.named_modules() if n][:8])
        raise DataError(f"layer {name!r}", "is unknown", f"layers are {known}, ...") from error


@contextmanager
def recorded(module: "nn.Module", nodes: Sequence[Node]) -> Iterator[dict[str, "Tensor"]]:
    """Keep the `layer_values` of all nodes of layers while the module runs.

    Of a layer that is used several times, the last output counts.
    """
    places = places_by_layer(nodes)
    values: dict[str, Tensor] = {}
    reductions = {
        layer: _reduction(values, layer, [nodes[place] for place in mine])
        for layer, mine in places.items()
        if layer is not None
    }
    with _watched(module, reductions):
        yield values


def _reduction(
    values: dict[str, "Tensor"], layer: str, nodes: Sequence[Node]
) -> Callable[["Tensor"], None]:
    def reduce(output: "Tensor") -> None:
        values[layer] = layer_values(output, nodes)

    return reduce


@contextmanager
def _watched(
    module: "nn.Module", watchers: Mapping[str, Callable[["Tensor"], None]]
) -> Iterator[None]:
    """Show the outputs (N, units, *spatial) of layers to these functions while the module runs."""

    def hook(layer: str) -> Callable[..., None]:
        def watch(_module: "nn.Module", _inputs: object, output: object) -> None:
            watchers[layer](checked_output(layer, output))

        return watch

    handles = [find_layer(module, x).register_forward_hook(hook(x)) for x in watchers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def checked_output(layer: str, output: object) -> "Tensor":
    """What a layer returns, if it is one tensor (N, units, *spatial).

    Raises:
        DataError: it is not.
    """
    import torch

    if not isinstance(output, torch.Tensor) or output.ndim < 2:
        raise DataError(
            f"layer {layer!r}",
            "does not return one array (images, units, ...)",
            "name a layer that does, such as a convolution",
        )
    return output


def layer_shapes(
    module: "nn.Module", layers: Sequence[str], image: np.ndarray, device: str = "cpu"
) -> dict[str, tuple[int, ...]]:
    """Shapes (units, *spatial) of the outputs of layers for an image (C, *spatial).

    Raises:
        DataError: a layer is unknown, is not used, or does not return one array.
    """
    return {
        layer: tuple(output.shape[1:])
        for layer, output in _outputs(module, layers, _tensor(image[None], device)).items()
    }


def multiply_accumulates(module: "nn.Module", image: np.ndarray) -> list[int]:
    """Products that each convolution and linear layer forms for one image (C, *spatial)."""
    import torch
    from torch import nn

    found: list[int] = []

    def count(layer: Any, _inputs: object, output: "Tensor") -> None:
        # Every value of the output is a sum over one row of the weight.
        found.append(output.numel() * layer.weight[0].numel())

    layers = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    handles = [p.register_forward_hook(count) for p in module.modules() if isinstance(p, layers)]
    device = next((str(p.device) for p in module.parameters()), "cpu")
    try:
        with torch.inference_mode():
            module(_tensor(image[None], device))
    finally:
        for handle in handles:
            handle.remove()
    return found


@checked
def layer_activations(
    classifier: "nn.Module", layer: str, images: np.ndarray, *, device: Device = "cpu"
) -> np.ndarray:
    """(n, C, *spatial) images -> (n, units, *places) float32 outputs of a layer.

    Samplers of what is removed from a hidden layer are fitted to them: `MarginalSampler` to the
    activations as they are (with an axis before the units, `activations[:, None]`, where units are
    removed one by one or the layer has no places), `GaussianPatchPrior` and `UnitSampler` to
    neighbourhoods in them.

    Raises:
        DataError: the layer is unknown, is not used, or does not return one array; or images hold
            NaN or infinity, or the classifier does not take them.
    """
    check_images(images)
    check_network(classifier)
    module = classifier.eval().to(device)

    def run(part: slice) -> "Tensor":
        return _outputs(module, [layer], _tensor(images[part], device))[layer].cpu()

    activations, _ = in_batches(run, len(images), _BATCH)
    found: np.ndarray = activations.float().numpy()
    return found


def _tensor(images: np.ndarray, device: str) -> "Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).to(device)


def _outputs(
    module: "nn.Module", layers: Sequence[str], batch: "Tensor"
) -> dict[str, "torch.Tensor"]:
    """Copies of layers' outputs, since later layers may write into them."""
    import torch

    outputs: dict[str, Tensor] = {}

    def keep(layer: str) -> Callable[["Tensor"], None]:
        def clone(output: "Tensor") -> None:
            outputs[layer] = output.clone()

        return clone

    watchers = {layer: keep(layer) for layer in layers}
    with torch.inference_mode(), _watched(module, watchers), taking(module, batch.shape[1:]):
        module(batch)
    for layer in layers:
        if layer not in outputs:
            raise DataError(
                f"layer {layer!r}", "is not used for the class scores", "name another layer"
            )
    return outputs
