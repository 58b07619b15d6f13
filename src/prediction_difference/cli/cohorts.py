"""Commands about cohorts of brain volumes that are no stages of the workflow."""

from pathlib import Path
from typing import Annotated

import typer

from prediction_difference.progress import say


def simulate_cohort(
    output: Annotated[Path, typer.Argument(help="Folder to write; it must be new or empty.")],
    patients: Annotated[int, typer.Option(min=2, help="Number of patients.")] = 70,
    controls: Annotated[int, typer.Option(min=2, help="Number of controls.")] = 70,
    effect: Annotated[
        float, typer.Option(min=0, help="Mean decrease in a hit region, in nominal SDs.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(help="Seed of the subjects.")] = 0,
    template: Annotated[
        Path | None, typer.Option(help="FA template in MNI space; default: nilearn's brain.")
    ] = None,
) -> None:
    """Write a simulated cohort: NIfTI volumes, participants.tsv, and which regions were hit."""
    from prediction_difference.data.cohort_files import MASK, PATTERN, write_cohort
    from prediction_difference.data.sources.nifti_cohort import NiftiCohort
    from prediction_difference.data.sources.simulated_fa import SimulatedFA

    settings = SimulatedFA(
        source=SimulatedFA.word(),
        patients=patients,
        controls=controls,
        effect=effect,
        template=template,
        folds=None,
    )
    write_cohort(settings, seed, output)
    say(f"{output}: {controls} controls and {patients} patients")
    say(f"for source: {NiftiCohort.word()} set pattern: {PATTERN!r} and mask: {output / MASK}")
