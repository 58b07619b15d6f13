"""Why a network does not take an image, in words that say how to mend it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prediction_difference.attribution.engines.sampled import is_out_of_memory
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def taking(module: "nn.Module", shape: Sequence[int]) -> Iterator[None]:
    """Run a network on images of a shape (C, *spatial); where it fails, say why it may.

    Raises:
        DataError: the network does not take such images. Too little memory is not that.
    """
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        raise _refusal(module, tuple(shape), str(error)) from error


def check_network(classifier: object) -> None:
    """Refuse what is no torch module, such as a linear classifier as it is.

    Raises:
        DataError: it is none.
    """
    from torch import nn

    if not isinstance(classifier, nn.Module):
        what = f"is of type {type(classifier).__name__}, and the method runs torch modules"
        raise DataError("classifier", what, "give a torch module")


def _refusal(module: "nn.Module", shape: tuple[int, ...], error: str) -> DataError:
    import torch
    from torch import nn

    wide = {p.dtype for p in module.parameters() if p.dtype in (torch.float64, torch.float16)}
    if wide:
        what = f"has weights of {str(wide.pop()).removeprefix('torch.')}, images are float32"
        return DataError("classifier", what, "call .float() on it")
    where = f"image of shape {shape}"
    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    first = next((part for part in module.modules() if isinstance(part, convolutions)), None)
    if first is not None:
        axes = first.weight.ndim - 2
        if len(shape) - 1 != axes:
            what = f"has spatial dimensions: {len(shape) - 1}, the network takes {axes}"
            sides = {1: "(C, X)", 2: "(C, H, W)", 3: "(C, X, Y, Z)"}[axes]
            return DataError(where, what, f"give it as {sides}")
        if shape[0] != first.in_channels:
            what = f"has {_counted(shape[0])}, the network takes {first.in_channels}"
            return DataError(where, what, f"give it {_counted(first.in_channels)}")
    return DataError(
        where,
        f"the classifier does not take it ({error.splitlines()[0]})",
        "give it an image of the size and channels that it was trained with",
    )


def _counted(channels: int) -> str:
    return f"{channels} channel{'s' if channels != 1 else ''}"
