"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

from typer import Option

ConfigFile = Annotated[Path, Option("--config", help="The configuration (YAML).")]
DatasetStore = Annotated[Path, Option("--data", help="Store of the dataset, or its manifest.")]
ClassifierFolder = Annotated[
    Path, Option("--classifier", help="Folder of the classifier, or its card.json.")
]
Output = Annotated[Path, Option("--output", help="Where the result goes.")]
Name = Annotated[str, Option("--name", help="Name of the entry in its section of the config.")]
