"""What published files come from: settings, code and inputs, as their seals note it."""

from collections.abc import Iterable
from pathlib import Path

from prediction_difference.artifacts.table import Artifact, Artifacts
from prediction_difference.seals import read_seal
from prediction_difference.stores import digest, folder_of, read_attributes, settings_digest

SETTINGS, CODE, INPUTS = "settings", "code", "inputs"
"""Names of the facts in a seal; each is a digest."""


def facts(
    artifacts: Artifacts, artifact: Artifact, contents: Iterable[Path] | None = None
) -> dict[str, str]:
    """Digests of the settings, the code and the inputs behind an artifact.

    contents: the inputs, where they are given by their paths; None: those of the table.

    Raises:
        StoreError: an input is not complete.
    """
    return {
        **known_facts(artifacts, artifact),
        INPUTS: digest(*map(digest_of, artifact.contents if contents is None else contents)),
    }


def known_facts(artifacts: Artifacts, artifact: Artifact) -> dict[str, str]:
    """The facts that hold whatever the inputs are."""
    settings = settings_digest(artifact.settings)
    return {SETTINGS: settings, CODE: artifacts.code_of(artifact)}


def digest_of(path: Path) -> str:
    """Of the content of a published store, or of the files under a seal.

    Raises:
        StoreError: it is not complete.
    """
    if folder_of(path).suffix == ".zarr":
        return str(read_attributes(path).get("digest"))
    return read_seal(path).digest
