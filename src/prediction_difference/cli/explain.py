"""The command `explain`: the stages of the workflow, one after the other, for some photographs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from prediction_difference.errors import DataError
from prediction_difference.progress import say

_CONFIG = "config.yaml"


def explain(
    photographs: Annotated[
        list[Path], Argument(help="Photographs, or folders of them.", show_default=False)
    ],
    classifier: Annotated[
        str | None,
        Option(
            help="efficientnet-lite0, whose weights are there; a network that torchvision knows, "
            "such as squeezenet1_0; bvlc-googlenet, bvlc-caffenet or bvlc-alexnet; or "
            "module:function of your own.",
            show_default="the first of these",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        Option(help="A file, or an entry of torchvision's weights.", show_default="torchvision's"),
    ] = None,
    preprocessing: Annotated[
        str | None,
        Option(
            help="How images of a weights file or of your own network are prepared: imagenet, "
            "caffe or plain (0 to 1).",
            show_default="the network's, where it is known",
        ),
    ] = None,
    size: Annotated[
        int | None,
        Option(min=8, help="Side of the network's images.", show_default="the network's, or 224"),
    ] = None,
    class_names: Annotated[
        Path | None,
        Option(help="Text file, one class a line.", show_default="the weights' or ImageNet's"),
    ] = None,
    training_instances: Annotated[
        int | None,
        Option(
            min=1,
            help="Images that the network was trained on, N of the Laplace correction.",
            show_default="ImageNet's 1281167",
        ),
    ] = None,
    background: Annotated[
        Path | None,
        Option(
            help="Folder of other photographs, from which the prior learns.",
            show_default="ten that scikit-image brings along",
        ),
    ] = None,
    clinical: Annotated[
        bool,
        Option("--clinical", help="These are scans: mark all pages as not for clinical use."),
    ] = False,
    of: Annotated[
        list[str] | None,
        Option(
            "--class",
            help="Class to explain, by name or number from 0; may be repeated.",
            show_default="those with the highest scores",
        ),
    ] = None,
    top: Annotated[
        int, Option(min=1, max=10, help="How many classes, without --class; the best first.")
    ] = 3,
    window: Annotated[int, Option(min=1, help="Side k of a window, in pixels.")] = 10,
    stride: Annotated[
        int, Option(min=1, help="Pixels between windows; 1 is the papers', and slow on a CPU.")
    ] = 4,
    samples: Annotated[int, Option(min=2, help="Draws per window, S.")] = 10,
    precision: Annotated[str, Option(help="float32, or bfloat16 where it is exact enough.")] = (
        "float32"
    ),
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:<number>.")] = "auto",
    seed: Annotated[int, Option(min=0, help="Of everything random.")] = 0,
    output: Annotated[
        Path | None,
        Option(
            help="Folder of the results; an earlier explanation there is replaced.",
            show_default="explanations/<first photograph>",
        ),
    ] = None,
) -> None:
    """Explain your own photographs: maps, pictures and a page, without any configuration.

    The configuration that would do the same with snakemake is written beside them.
    """
    import yaml

    from prediction_difference.cli.own_photographs import INCLUDED, Request, prepare
    from prediction_difference.files import remove

    request = Request(
        tuple(photographs),
        classifier or INCLUDED,
        weights,
        preprocessing,
        size,
        class_names,
        training_instances,
        background,
        clinical,
        tuple(of or ()),
        top,
        window,
        stride,
        samples,
        precision,
        device,
        seed,
    )
    folder = output or Path("explanations", photographs[0].stem)
    _refuse_foreign(folder)
    settings = prepare(request, folder)
    for earlier in ("attributions", "figures"):
        remove(folder / earlier)
    (folder / _CONFIG).write_text(
        yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    _run(folder)


def _refuse_foreign(folder: Path) -> None:
    is_ours = (folder / _CONFIG).is_file()
    if folder.exists() and not is_ours and (not folder.is_dir() or any(folder.iterdir())):
        what = "holds something else than an explanation"
        raise DataError(folder, what, "choose another --output, or remove it")


def _run(folder: Path) -> None:
    """Every stage in the order of the workflow, with its commands and its places."""
    from prediction_difference import layout
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.cli import stages
    from prediction_difference.cli.own_photographs import EXPLANATION
    from prediction_difference.config import batches, read_yaml
    from prediction_difference.preflight import checked_config

    file = folder / _CONFIG
    config = checked_config(read_yaml(file))
    data = {name: folder / f"data/{name}.zarr" for name in config.datasets}
    for name, store in data.items():
        stages.data(file, name, store)
    network, prior = folder / "classifiers/network", folder / "priors/patches.zarr"
    stages.classifier(file, "network", data["photographs"], network)
    stages.prior(file, "patches", data["background"], prior)
    work = layout.chunks_folder(folder, EXPLANATION)
    for batch, _ in enumerate(batches(config.explanations[EXPLANATION])):
        done = layout.done_file(folder, EXPLANATION, batch, 0)
        inputs = (data["photographs"], network, work, done, prior)
        stages.chunk(file, EXPLANATION, *inputs, batch=batch)
    stages.attribution(file, EXPLANATION, folder)
    artifacts = Artifacts(config, folder)
    figures = [artifacts.figure(name).main for name in config.figures]
    for name, json in zip(config.figures, figures, strict=True):
        stages.figure(file, name, folder, json.with_suffix(".png"), json.with_suffix(".pdf"), json)
    page, maps = folder / "index.html", folder / "maps.html"
    stages.report(file, folder, page, maps)
    stores = layout.attribution_stores(config, folder, EXPLANATION)
    _tell(stores, [json.with_suffix(".png") for json in figures])
    say(f"page {page}, maps to look into {maps}, configuration {file}")


def _tell(stores: Iterable[Path], pictures: Iterable[Path]) -> None:
    """What was found, and where it is."""
    from prediction_difference.attribution.reading import open_attribution

    for store, picture in zip(stores, pictures, strict=True):
        attributes = open_attribution(store).attrs
        found = ", ".join(f"{n['class']} {n['probability']:.0%}" for n in attributes["nodes"])
        say(f"{attributes['image_name']}: {found}; map {store}, picture {picture}")
