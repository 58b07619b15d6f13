"""How far a run is, by files with times that are known."""

import os
from pathlib import Path

import pytest

from prediction_difference.config import parse_config
from prediction_difference.workload.jobs import Job, jobs_of
from prediction_difference.workload.progress import duration, progress, progress_text
from prediction_difference.workload.summary import summary

CONFIG = parse_config(
    {
        "datasets": {"digits": {"source": "sklearn-digits"}},
        "classifiers": {"network": {"kind": "train", "dataset": "digits"}},
        "explanations": {
            "maps": {
                "method": "sensitivity",
                "classifier": "network",
                "images": {"random": 5},
                "images_per_job": 2,
            }
        },
    }
)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    return jobs_of(CONFIG, tmp_path / "results" / "run")


def finish(job: Job, end: float, seconds: float | None = None) -> None:
    job.file.parent.mkdir(parents=True, exist_ok=True)
    job.file.write_text("{}")
    os.utime(job.file, (end, end))
    if seconds is not None:
        job.benchmark.parent.mkdir(parents=True, exist_ok=True)
        job.benchmark.write_text(f"s\th:m:s\n{seconds}\t0:00\n")


def test_jobs_are_those_of_the_rules(jobs):
    names = ["data", "classifier", *["chunk of maps"] * 3, "attribution maps", "report"]
    assert [job.group for job in jobs] == names
    place = Path("attributions/maps/batch-1.chunk-0")
    assert jobs[3].log.parts[-3:] == place.with_name(f"{place.name}.log").parts
    assert jobs[3].benchmark.parts[-5:-3] == ("benchmarks", "run")


def test_jobs_of_volumes_and_simulated_cohorts_are_those_of_the_rules(tmp_path):
    # Nothing makes what nothing needs.
    unused = {"unused": {"source": "sklearn-digits"}}
    raw = {
        "datasets": {"brains": {"source": "simulated-fa"}, **unused},
        "priors": {"unused": {"dataset": "unused", "patch": 4}},
        "classifiers": {"linear": {"kind": "logistic-regression", "dataset": "brains"}},
        "explanations": {
            "maps": {"method": "weights", "classifier": "linear", "images": {"random": 2}}
        },
        "evaluations": {"places": {"measure": "location", "explanations": ["maps"], "cohorts": 2}},
    }
    found = jobs_of(parse_config(raw), tmp_path / "results" / "run")
    names = ["chunk of maps", "attribution maps", *["cohort of places"] * 2, "evaluation"]
    assert [job.group for job in found] == ["data", "classifier", *names, "brains", "report"]
    assert found[5].log == tmp_path / "logs/run/evaluations/places/cohort-1.log"


def test_the_rest_takes_as_long_as_what_is_done(jobs):
    for place, end in ((2, 100.0), (3, 110.0)):
        finish(jobs[place], end, seconds=10.0)
    found = progress(jobs)
    chunks = next(group for group in found.groups if group.name == "chunk of maps")
    assert (chunks.done, chunks.jobs, chunks.left) == (2, 3, 10.0)
    assert found.at_once == 1.0
    assert found.left == 10.0
    assert found.unknown == 4
    assert "chunk of maps: 2 of 3, 10 s left" in progress_text(found)


def test_jobs_that_ran_together_are_expected_to_do_so_again(jobs):
    for place in (2, 3):
        finish(jobs[place], 100.0, seconds=10.0)
    found = progress(jobs)
    assert found.at_once == 2.0
    assert found.left == 5.0


def test_a_finished_run_says_so(jobs):
    for job in jobs:
        finish(job, 100.0)
    assert progress_text(progress(jobs)) == "All 7 jobs are done.\n"


def test_the_summary_tells_what_ran_what_was_there_and_what_failed(jobs, tmp_path):
    finish(jobs[0], 50.0)
    finish(jobs[1], 150.0)
    failed = jobs[2]
    failed.log.parent.mkdir(parents=True, exist_ok=True)
    failed.log.write_text("".join(f"line {n}\n" for n in range(9)))
    os.utime(failed.log, (160.0, 160.0))
    text = summary(CONFIG, tmp_path / "results" / "run", started=100.0, ended=170.0)
    first, name, *lines = text.splitlines()
    assert first == (
        "Ran 1 job (classifier 1) in 70 s; 1 results were there before, 5 are missing."
    )
    assert name == f"Failed or was stopped: chunk of maps ({failed.log})"
    assert lines == [f"    line {n}" for n in range(4, 9)]
    assert "report" not in text


def test_the_summary_of_a_whole_run_names_the_report(jobs, tmp_path):
    for job in jobs:
        finish(job, 150.0)
    text = summary(CONFIG, tmp_path / "results" / "run", started=100.0, ended=170.0)
    assert text.splitlines()[-1] == f"The report is {jobs[-1].file}"


@pytest.mark.parametrize(("seconds", "text"), [(3, "3 s"), (300, "5 min"), (36000, "10.0 h")])
def test_durations_are_in_a_unit_that_fits(seconds, text):
    assert duration(seconds) == text
