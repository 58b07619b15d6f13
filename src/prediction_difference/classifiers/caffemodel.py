"""Weights from Caffe's own files, read without Caffe.

Only the fields of Caffe's messages that hold weights are declared; the parser passes over others.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from torch import Tensor

from prediction_difference.errors import DataError

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, tuple[tuple[str, int, int | str, bool], ...]] = {
    "Shape": (("dim", 1, _FIELD.TYPE_INT64, True),),
    "Blob": (
        ("num", 1, _FIELD.TYPE_INT32, False),
        ("channels", 2, _FIELD.TYPE_INT32, False),
        ("height", 3, _FIELD.TYPE_INT32, False),
        ("width", 4, _FIELD.TYPE_INT32, False),
        ("data", 5, _FIELD.TYPE_BYTES, True),
        ("shape", 7, "Shape", False),
        ("double_data", 8, _FIELD.TYPE_BYTES, True),
    ),
    "Layer": (("name", 1, _FIELD.TYPE_STRING, False), ("blobs", 7, "Blob", True)),
    "OldLayer": (("name", 4, _FIELD.TYPE_STRING, False), ("blobs", 6, "Blob", True)),
    "Network": (("layers", 2, "OldLayer", True), ("layer", 100, "Layer", True)),
}
"""By message: name, number and type of each field, and whether it is repeated.

Packed numbers are declared as bytes, which look alike in a file: so they are read at once.
"""
_PACKAGE = "caffe"
_PARTS = ("weight", "bias")


def read_caffemodel(file: Path) -> dict[str, Tensor]:
    """Tensors of a .caffemodel, `<layer>.weight` and `<layer>.bias`, in torch's order of axes.

    Notes: old files give every blob four sides; leading ones are dropped.

    Raises:
        DataError: the file is no such file, is cut short, or holds no weights.
    """
    network = _network_message()()
    try:
        network.ParseFromString(file.read_bytes())
    except message.DecodeError as error:
        raise DataError(
            file, f"is no caffemodel, or cut short ({error})", "copy or download it again"
        ) from error
    tensors = {
        f"{layer.name}.{_PARTS[number] if number < len(_PARTS) else number}": _tensor(
            file, layer.name, blob
        )
        for layer in (*network.layers, *network.layer)
        for number, blob in enumerate(layer.blobs)
    }
    if not tensors:
        raise DataError(file, "holds no layer with weights", "give a trained caffemodel")
    return tensors


def _tensor(file: Path, layer: str, blob: Any) -> Tensor:
    numbers = (
        np.frombuffer(b"".join(blob.double_data), "<f8")
        if blob.double_data
        else np.frombuffer(b"".join(blob.data), "<f4")
    )
    shape = tuple(blob.shape.dim) if blob.HasField("shape") else _old_shape(blob)
    if numbers.size != np.prod(shape, dtype=np.int64):
        raise DataError(
            file,
            f"layer {layer!r} holds {numbers.size} numbers for the shape {shape}",
            "copy or download it again",
        )
    return torch.from_numpy(numbers.astype(np.float32).reshape(shape))


def _old_shape(blob: Any) -> tuple[int, ...]:
    sides = [blob.num, blob.channels, blob.height, blob.width]
    while len(sides) > 1 and sides[0] == 1:
        sides.pop(0)
    return tuple(sides)


@cache
def _network_message() -> type[Any]:
    description = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package=_PACKAGE)
    for name, fields in _MESSAGES.items():
        declared = description.message_type.add(name=name)
        for field, number, kind, is_repeated in fields:
            label = _FIELD.LABEL_REPEATED if is_repeated else _FIELD.LABEL_OPTIONAL
            entry = declared.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
            else:
                entry.type = kind  # type: ignore[assignment]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(description)
    found: type[Any] = message_factory.GetMessageClass(
        pool.FindMessageTypeByName(f"{_PACKAGE}.Network")
    )
    return found
