"""What it costs Snakemake to plan many images: jobs, seconds and memory of a dry run.

`python -m benchmarks.planning [IMAGES ...]`, in the project's folder, writes so many small PNG
files and planning.yaml for them, and measures `snakemake -n`; without a number 504 and 5040 images.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from PIL import Image

_SIDE = 32
_IMAGES = (504, 5040)


def example(folder: Path, images: int) -> dict[str, Any]:
    """The configuration, and photographs in a folder for it."""
    generator = np.random.default_rng(0)
    for number in range(images):
        file = folder / f"class {number % 2}" / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)).save(file)
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = yaml.safe_load(text.replace("random: 504", f"random: {images}"))
    raw["datasets"]["photographs"]["root"] = str(folder)
    return raw


def measure(images: int, project: Path) -> dict[str, float]:
    """Plan the run of so many images; seconds are of the clock, and of the processor.

    Raises:
        RuntimeError: Snakemake failed; with what it printed.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as printed:
        file = Path(folder, "growth.yaml")
        file.write_text(yaml.safe_dump(example(Path(folder, "photographs"), images)))
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--configfile"]
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, str(file)], cwd=project, stdout=printed, stderr=printed
        )
        # The only way to see what this process alone has used.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        text = printed.read()
    jobs = re.search(r"^\s*total\s+(\d+)", text, re.MULTILINE)
    if process.returncode or jobs is None:
        raise RuntimeError(f"snakemake -n ended with {process.returncode}:\n{text}")
    processor, peak = used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6
    told = {"images": images, "jobs": int(jobs[1]), "seconds": seconds}
    return told | {"of the processor": processor, "MB at the peak": peak}


def main() -> None:
    """Print a Markdown table."""
    counts = [int(word) for word in sys.argv[1:]] or _IMAGES
    found = pd.DataFrame([measure(images, Path.cwd()) for images in counts])
    print(found.to_markdown(index=False, floatfmt=("", "", ".1f", ".1f", ".0f")))


if __name__ == "__main__":
    main()
