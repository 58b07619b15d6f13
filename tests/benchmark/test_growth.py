"""A dry run is measured whole."""

from pathlib import Path

import pytest

from prediction_difference.benchmark.growth import example, measure
from prediction_difference.config import parse_config
from prediction_difference.workload.jobs import jobs_of

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.workflow
def test_a_dry_run_plans_the_jobs_of_the_configuration(tmp_path):
    config = parse_config(example(tmp_path, 12))
    planned = measure(12, ROOT)
    # And the target, which is a job to Snakemake.
    assert planned.jobs == len(jobs_of(config, Path("results/growth"))) + 1
    assert planned.processor > 0
    assert planned.seconds > 0
    assert planned.bytes > 50e6
