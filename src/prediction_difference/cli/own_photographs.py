"""A configuration for somebody's photographs, from what the command `explain` is told."""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prediction_difference.errors import ConfigError, DataError, Problem, choose
from prediction_difference.figures.kinds.heatmaps import IMAGE

RUN = "own-photographs"
EXPLANATION = "evidence"
INCLUDED = "efficientnet-lite0"
"""The network whose weights come with the package."""
BVLC = {"bvlc-googlenet": 224, "bvlc-caffenet": 227, "bvlc-alexnet": 227}
"""Networks of Caffe's model zoo that the package has, and the side of their images."""
PREPROCESSING = ("imagenet", "caffe", "plain")
_SHORTER_SIDE = 256 / 224
"""Before the crop of the centre, as torchvision's and Caffe's ImageNet models were measured."""
_CAFFE_MODULE = "prediction_difference.classifiers.caffe"


@dataclass(frozen=True)
class Request:
    """What the command was told; None is what it leaves to what is known of the network."""

    photographs: tuple[Path, ...]
    network: str
    weights: str | None = None
    preprocessing: str | None = None
    size: int | None = None
    class_names: Path | None = None
    training_instances: int | None = None
    background: Path | None = None
    clinical: bool = False
    classes: tuple[str, ...] = ()
    top: int = 3
    window: int = 10
    stride: int = 4
    samples: int = 10
    precision: str = "float32"
    device: str = "auto"
    seed: int = 0


@dataclass(frozen=True)
class _Input:
    """How a network wants its images: what stands in the dataset, and in the classifier.

    normalisation: None where the classifier's kind has its own.
    """

    geometry: dict[str, Any]
    normalisation: Any = None


def prepare(request: Request, folder: Path) -> dict[str, Any]:
    """Copy the photographs into the folder, and return a configuration that explains them.

    Raises:
        ConfigError: a photograph cannot be used, or two would have one name.
        DataError: the network is unknown, or is not known well enough without another option.
    """
    request = _with_classes_there_are(request)
    photographs = tuple(_photographs(request.photographs))
    _refuse_bad_photographs(photographs)
    classifier, wanted = _classifier(request, folder)
    background = _background(request, photographs)
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for path in photographs:
        copy = images / path.name
        # What is explained may be the copy of an earlier call.
        if not (copy.exists() and copy.samefile(path)):
            shutil.copyfile(path, copy)
    names = [path.stem for path in photographs]
    classifier["dataset"] = "photographs"
    if wanted.normalisation is not None:
        classifier["normalisation"] = wanted.normalisation
    return {
        "run": {"name": RUN, "seed": request.seed, "device": request.device},
        "datasets": {
            "photographs": {
                "source": "image-folder",
                "root": str(images.absolute()),
                "files": [path.name for path in photographs],
                "clinical": request.clinical,
                **wanted.geometry,
            },
            "background": {**background, **wanted.geometry},
        },
        "priors": {"patches": {"dataset": "background", "patch": request.window + 4}},
        "classifiers": {"network": classifier},
        "explanations": {EXPLANATION: _explanation(request, names)},
        "figures": _figures(request, names),
    }


def _with_classes_there_are(request: Request) -> Request:
    """A network of two classes has no third one to explain."""
    if request.class_names is None:
        return request
    from prediction_difference.data.class_names import read_class_names

    return replace(request, top=min(request.top, len(read_class_names(request.class_names).names)))


def _photographs(given: Sequence[Path]) -> Iterator[Path]:
    """The files that are given, and those in folders that are given."""
    from prediction_difference.data.folders import images_in, no_images

    for path in given:
        if not path.is_dir():
            yield path
            continue
        found = images_in(path)
        if not found:
            raise ConfigError([no_images(path, "name photographs, or another folder")])
        yield from (path / name for name in found)


def _refuse_bad_photographs(photographs: Sequence[Path]) -> None:
    from prediction_difference.data.pixels import SUFFIXES, check_file

    problems: list[Problem] = []
    first: dict[str, Path] = {}
    for path in photographs:
        other = first.setdefault(path.stem, path)
        if other is not path:
            what = f"has the name of {other}, after which its map would be called"
            problems.append(Problem(str(path), what, "rename one, or explain them apart"))
        if path.suffix.lower() not in SUFFIXES and path.is_file():
            remedy = f"convert it into one of {' '.join(sorted(SUFFIXES))}"
            problems.append(Problem(str(path), "is no photograph by its suffix", remedy))
            continue
        try:
            check_file(path)
        except DataError as error:
            problems.append(error.problem)
    if problems:
        raise ConfigError(problems)


# --- the network ------------------------------------------------------------------------------


def _classifier(request: Request, folder: Path) -> tuple[dict[str, Any], _Input]:
    """What is written in the section classifiers, but for dataset and normalisation."""
    if ":" in request.network:
        return _own_network(request)
    if request.network in BVLC:
        return _bvlc(request, folder)
    if request.network == INCLUDED:
        return _included(request)
    return _torchvision(request, folder)


def _own_network(request: Request) -> tuple[dict[str, Any], _Input]:
    needed = {
        "--weights": request.weights,
        "--preprocessing": request.preprocessing,
        "--class-names": request.class_names,
        "--training-instances": request.training_instances,
    }
    missing = [option for option, value in needed.items() if value is None]
    if missing:
        what = f"of a network of your own {', '.join(missing)} cannot be known"
        raise DataError(request.network, what, "add them")
    settings = {
        "kind": "torch",
        "factory": request.network,
        "weights": _absolute(Path(str(request.weights))),
        "class_names": _absolute(request.class_names),
        "training_instances": request.training_instances,
    }
    return settings, _told_input(request, 224)


def _bvlc(request: Request, folder: Path) -> tuple[dict[str, Any], _Input]:
    if request.weights is None:
        what = "has no weights that a program can fetch"
        raise DataError(request.network, what, "add --weights with a caffemodel or safetensors")
    settings = {
        "kind": "torch",
        "factory": f"{_CAFFE_MODULE}:{request.network.removeprefix('bvlc-')}",
        "weights": _absolute(Path(request.weights)),
        "class_names": _class_names(request, folder),
        "training_instances": request.training_instances or 1_281_167,
    }
    side = BVLC[request.network]
    if request.preprocessing is not None:
        return settings, _told_input(request, side)
    return settings, _Input(_crop_of_square(request.size or side), "caffe")


def _included(request: Request) -> tuple[dict[str, Any], _Input]:
    known = {
        "--weights": request.weights,
        "--preprocessing": request.preprocessing,
        "--size": request.size,
        "--class-names": request.class_names,
        "--training-instances": request.training_instances,
    }
    given = [option for option, value in known.items() if value is not None]
    if given:
        what = f"has its own {', '.join(given)}"
        raise DataError(request.network, what, "leave them out, or choose another --classifier")
    geometry = {"size": [224, 224], "resize": 256, "interpolation": "bicubic"}
    return {"kind": INCLUDED}, _Input(geometry)


def _torchvision(request: Request, folder: Path) -> tuple[dict[str, Any], _Input]:
    entries = _entries(request.network)
    name = request.weights or "DEFAULT"
    settings: dict[str, Any] = {
        "kind": "torchvision",
        "model": request.network,
        "weights": name,
    }
    if request.training_instances is not None:
        settings["training_instances"] = request.training_instances
    if name in entries.__members__:
        settings["class_names"] = _absolute(request.class_names)
        return settings, _input_of_entry(request, entries[name])
    if not Path(name).is_file():
        remedy = f"give a file, or one of {', '.join(entries.__members__)}"
        raise DataError(f"--weights {name}", "is neither a file nor known to torchvision", remedy)
    if request.preprocessing is None:
        what = f"does not say how {request.network}'s images were prepared in training"
        raise DataError(name, what, f"add --preprocessing: {', '.join(PREPROCESSING)}")
    settings["weights"] = _absolute(Path(name))
    settings["class_names"] = _class_names(request, folder)
    return settings, _told_input(request, 224)


def _entries(network: str) -> Any:
    import torchvision
    from torchvision.models import get_model_weights, list_models

    try:
        return get_model_weights(network)
    except ValueError:
        known = [INCLUDED, *BVLC, *list_models(module=torchvision.models)]
        remedy = f"{choose(network, known)} A network of your own is named module:function"
        raise DataError(f"--classifier {network}", "is unknown", remedy) from None


def _input_of_entry(request: Request, entry: Any) -> _Input:
    """As torchvision's weights ask for it; other settings would be refused later."""
    if request.preprocessing is not None or request.size is not None:
        what = "the weights' own preprocessing is known"
        raise DataError(str(entry), what, "leave --preprocessing and --size out")
    transforms = entry.transforms()
    (side,), (resize,) = set(transforms.crop_size), set(transforms.resize_size)
    geometry = {
        "size": [side, side],
        "resize": resize,
        "interpolation": transforms.interpolation.value,
    }
    return _Input(geometry, {"mean": list(transforms.mean), "std": list(transforms.std)})


def _told_input(request: Request, side: int) -> _Input:
    side = request.size or side
    match request.preprocessing:
        case "caffe":
            return _Input(_crop_of_square(side), "caffe")
        case "imagenet":
            resize = round(side * _SHORTER_SIDE)
            geometry = {"size": [side, side], "resize": resize, "interpolation": "bilinear"}
            return _Input(geometry, "imagenet")
        case "plain":
            # Torchvision's classifiers have a normalisation always.
            nothing = {"mean": [0.0] * 3, "std": [1.0] * 3}
            return _Input({"size": [side, side]}, nothing)
        case unknown:
            remedy = choose(str(unknown), PREPROCESSING)
            raise DataError(f"--preprocessing {unknown}", "is unknown", remedy)


def _crop_of_square(side: int) -> dict[str, Any]:
    """Scaled to a square whatever the proportions, as Caffe's data layer was fed."""
    resize = max(256, round(side * _SHORTER_SIDE))
    return {"size": [side, side], "resize": [resize, resize], "interpolation": "bilinear"}


def _class_names(request: Request, folder: Path) -> str:
    """A file of class names: the user's, or one with those of ImageNet, from torchvision."""
    if request.class_names is not None:
        return str(request.class_names.absolute())
    from prediction_difference.classifiers.pretrained import imagenet_classes

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "classes.txt"
    file.write_text("".join(f"{name}\n" for name in imagenet_classes()), encoding="utf-8")
    return str(file.absolute())


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


# --- what else stands in the configuration ----------------------------------------------------


def _background(request: Request, photographs: Sequence[Path]) -> dict[str, Any]:
    """Images for the prior, without those that it explains."""
    from prediction_difference.data import skimage_samples
    from prediction_difference.data.checksums import copies
    from prediction_difference.data.folders import scan

    if request.background is None:
        settings: dict[str, Any] = {"source": "skimage-samples"}
        root, files = skimage_samples.find().root, skimage_samples.FILES
    else:
        root = request.background
        settings = {"source": "image-folder", "root": str(root.absolute())}
        files = scan(root, "--background").files
    copied = copies([root / file for file in files], photographs)
    if copied:
        settings["files"] = [file for file in files if root / file not in copied]
    return settings


def _explanation(request: Request, names: Sequence[str]) -> dict[str, Any]:
    return {
        "method": "prediction-difference",
        "classifier": "network",
        "prior": "patches",
        "window": request.window,
        "stride": request.stride,
        "samples": request.samples,
        "precision": request.precision,
        "images": list(names),
        "nodes": _nodes(request),
    }


def _nodes(request: Request) -> list[dict[str, Any]]:
    if not request.classes:
        return [{"rank": rank} for rank in range(1, request.top + 1)]
    return [{"of": int(c) if c.isdigit() else c} for c in request.classes]


def _figures(request: Request, names: Sequence[str]) -> dict[str, Any]:
    """A picture of each photograph, with a row for each class."""
    rows = {
        title: [
            IMAGE if number == 0 else None,
            {"explanation": EXPLANATION, "node": number},
            {"explanation": EXPLANATION, "node": number, "show": "overlay"},
        ]
        for number, title in enumerate(_titles(request))
    }
    figures: dict[str, Any] = {}
    for name in names:
        figures[_figure_name(name, figures)] = {
            "kind": "heatmaps",
            "title": f"Evidence in {name}",
            "rows": rows,
            "columns": ["", "for and against", "over the photograph"],
            "images": [name],
            "size": 2.2,
        }
    return figures


def _titles(request: Request) -> list[str]:
    return list(request.classes) or [f"rank {rank}" for rank in range(1, request.top + 1)]


def _figure_name(photograph: str, taken: dict[str, Any]) -> str:
    """The photograph's own name as far as a figure can have it."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", photograph).strip("-._")[:70] or "photograph"
    several = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (plain, *several) if name not in taken)
