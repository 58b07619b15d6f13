"""What it costs Snakemake to plan many images: jobs, seconds and memory of a dry run.

`python -m prediction_difference.benchmark.growth [IMAGES ...]`, in the project's folder, writes so
many small PNG files and a configuration with eight methods and one AOPC of all of them, and
measures `snakemake -n`; without a number 504 and 5040 images.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

_SIDE = 32
_METHODS = (
    "sensitivity",
    "gradient_times_input",
    "deconvolution",
    "guided_backprop",
    "integrated_gradients",
    "occlusion",
    "random",
)
"""Beside prediction difference analysis."""
_IMAGES = (504, 5040)


@dataclass(frozen=True)
class Planned:
    """A dry run. seconds: of the clock; processor: user and system time. bytes: at the peak."""

    images: int
    jobs: int
    seconds: float
    processor: float
    bytes: int


def example(folder: Path, images: int) -> dict[str, Any]:
    """A configuration of eight methods, and photographs in a folder for it."""
    photographs = folder / "photographs"
    generator = np.random.default_rng(0)
    for number in range(images):
        file = photographs / f"class {number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)).save(file)
    common = {"classifier": "network", "images": {"random": images}}
    drawn = {"method": "prediction-difference", "prior": "patches", "window": 4, **common}
    explanations = {name: {"method": name, **common} for name in _METHODS}
    perturbed = {
        "measure": "aopc",
        "explanations": ["evidence", *_METHODS],
        "region": 4,
        "steps": 50,
    }
    size = {"size": [_SIDE, _SIDE], "folds": 2}
    return {
        "run": {"name": "growth", "device": "cpu"},
        "datasets": {"photographs": {"source": "image-folder", "root": str(photographs), **size}},
        "priors": {"patches": {"dataset": "photographs", "patch": 8}},
        "classifiers": {"network": {"kind": "train", "dataset": "photographs"}},
        "explanations": {"evidence": drawn, **explanations},
        "evaluations": {"aopc": perturbed},
        "figures": {"curves": {"kind": "perturbation-curves", "evaluation": "aopc"}},
    }


def measure(images: int, project: Path) -> Planned:
    """Plan the run of so many images.

    Raises:
        RuntimeError: Snakemake failed; with what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "growth.yaml")
        file.write_text(yaml.safe_dump(example(Path(folder), images)))
        with Path(folder, "printed").open("w+", encoding="utf-8") as printed:
            command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2"]
            started = time.perf_counter()
            process = subprocess.Popen(
                [*command, "--configfile", str(file)], cwd=project, stdout=printed, stderr=printed
            )
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            printed.seek(0)
            text = printed.read()
    jobs = re.search(r"^\s*total\s+(\d+)", text, re.MULTILINE)
    if process.returncode or jobs is None:
        raise RuntimeError(f"snakemake -n ended with {process.returncode}:\n{text}")
    processor = used.ru_utime + used.ru_stime
    return Planned(images, int(jobs[1]), seconds, processor, used.ru_maxrss * 1024)


def main() -> None:
    """Print a Markdown table."""
    counts = [int(word) for word in sys.argv[1:]] or _IMAGES
    print("| images | jobs | seconds | of the processor | MB at the peak |\n|---|---|---|---|---|")
    for images in counts:
        one = measure(images, Path.cwd())
        numbers = f"{one.seconds:.1f} | {one.processor:.1f} | {one.bytes / 1e6:.0f}"
        print(f"| {one.images} | {one.jobs} | {numbers} |")


if __name__ == "__main__":
    main()
