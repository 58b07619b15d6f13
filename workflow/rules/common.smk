# What the other files share: the checked configuration and the names that follow from it.

import json
import os
import shlex
import sys
import time

from prediction_difference import layout, preflight
from prediction_difference.config import (
    batches,
    is_clinical,
    parse_config,
    read_yaml,
    slots,
    variables_in,
    windows_of_prior,
)
from prediction_difference.dependencies import code_of
from prediction_difference.errors import ConfigError, StoreError
from prediction_difference.gpus import installed
from prediction_difference.preflight import files_state
from prediction_difference.stores import write_text
from prediction_difference.workload.summary import summary
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

PAPERS = sorted(Path(workflow.basedir, "config/papers").glob("*.yaml"))
# Memory (MB) and time (minutes) of one job of each rule at its first attempt. Both double with
# every attempt; profiles may set others (set-resources).
MEMORY_AND_MINUTES = {
    "data": (4000, 60),
    "prior": (4000, 60),
    "classifier": (4000, 240),
    "chunk": (4000, 240),
    "attribution": (2000, 60),
    "shard": (4000, 240),
    "evaluation": (4000, 120),
    "cohort": (4000, 120),
    "claims": (2000, 30),
    "figure": (2000, 30),
    "brains": (4000, 60),
    "report": (2000, 60),
}
GPU_VARIABLE = "PREDICTION_DIFFERENCE_GPU"


def take_paper():
    """Where a paper's target is asked for, its configuration in place of the profile's.

    Jobs, which are started with other arguments, are given the same files as configuration.
    """
    asked = [file for file in PAPERS if file.stem in sys.argv[1:]]
    if len(asked) > 1:
        names = " and ".join(file.stem for file in asked)
        raise WorkflowError(f"{names} are runs of their own: ask for one at a time")
    for file in asked:
        if (config.get("run") or {}).get("paper") == file.stem:
            continue
        given = workflow.config_settings
        given.configfiles = [file]
        config.clear()
        config.update(read_yaml(file))
        update_config(config, given.config)


def pass_environment():
    """Environment variables that jobs need to see the configuration as it is seen here.

    On the machines of a cluster they could be others, or none.
    """
    if workflow.is_main_process:
        os.environ[GPU_VARIABLE] = ""
    wanted = {GPU_VARIABLE, "PDA_DATA", *variables_in(config)}
    workflow.register_envvars(*sorted(wanted & os.environ.keys()))


def checked_config():
    """The configuration, or one message with everything that is wrong with it and its files."""
    try:
        # A cluster's jobs read this file anew; the files were looked at before they started.
        check = preflight.checked_config if workflow.is_main_process else parse_config
        return check(dict(config))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


if workflow.is_main_process:
    take_paper()
pass_environment()
CONFIG = checked_config()
RESULTS = f"results/{CONFIG.run.name}"
LOGS = f"logs/{CONFIG.run.name}"
BENCHMARKS = f"benchmarks/{CONFIG.run.name}"
CONFIG_FILE = f"{RESULTS}/config.yaml"
STARTED = time.time()


wildcard_constraints:
    dataset=r"[^/]+",
    prior=r"[^/]+",
    classifier=r"[^/]+",
    explanation=r"[^/]+",
    batch=r"\d+",
    chunk=r"\d+",
    shard=r"\d+",
    cohort=r"\d+",
    evaluation=r"[^/]+",
    paper=r"[^/]+",
    figure=r"[^/]+",


def write_run_config():
    """What the jobs read: the configuration as Snakemake merged it."""
    try:
        text = json.dumps(config, indent=1, default=str)
        write_text(Path(CONFIG_FILE), f"{text}\n")
    except StoreError as error:
        raise WorkflowError(str(error)) from None


def what_ran():
    """What to tell the person who waited."""
    return summary(CONFIG, Path(RESULTS), STARTED, time.time())


def settings(section, name):
    """One entry of the configuration as text: a job is run again when it changes."""
    return text_of(getattr(CONFIG, section)[name])


def text_of(entry):
    """What results depend on of an entry, as text."""
    return entry.model_dump_json(exclude=set(entry.said_only))


def code(section, name=""):
    """Digest of the code that makes an entry: its jobs are run again when it changes."""
    return code_of(CONFIG, section, name)


def flag(name, value):
    """An option and its value, quoted for the shell; nothing where there is no value."""
    return f"{name} {shlex.quote(str(value))}" if value else ""


def memory(rule):
    """MB that a job of a rule reserves, as a function of its attempt."""
    return lambda wildcards, attempt: MEMORY_AND_MINUTES[rule][0] * 2 ** (attempt - 1)


def minutes(rule):
    """Minutes that a job of a rule reserves, as a function of its attempt."""
    return lambda wildcards, attempt: MEMORY_AND_MINUTES[rule][1] * 2 ** (attempt - 1)


def gpus(classifier):
    """GPUs that a job with this classifier reserves; one that is no network needs none."""
    return int(CONFIG.classifiers[classifier].is_network and is_gpu_wanted())


def is_gpu_wanted():
    """Whether jobs are to have a GPU: asked for, or with device auto where there is one.

    Of a cluster the profile tells, by its limit for gpu: the machine that submits its jobs may be
    another kind than those that run them. Jobs are told, so that they reserve what they were given.
    """
    if CONFIG.run.device != "auto":
        return CONFIG.run.device.startswith("cuda")
    if workflow.is_main_process and not os.environ[GPU_VARIABLE]:
        limit = workflow.global_resources.get("gpu").value
        is_there = bool(installed()) if workflow.local_exec else bool(limit)
        os.environ[GPU_VARIABLE] = str(int(is_there))
    return os.environ[GPU_VARIABLE] == "1"


def dataset_store(name):
    return f"{RESULTS}/data/{name}.zarr/zarr.json"


def classifier_card(name):
    return f"{RESULTS}/classifiers/{name}/card.json"


def trained_classifier(wildcards):
    """The classifier that a checkpoint is of."""
    trained = CONFIG.classifiers[wildcards.classifier].trained
    return classifier_card(trained) if trained else []


def listings(explanations):
    """What says that all attribution stores of these explanations are there."""
    return [str(layout.listing(Path(RESULTS), name)) for name in explanations]


def lost_files():
    """Attribution stores and NIfTI files that are gone; asked for, they are made again."""
    return [str(file) for file in layout.lost_files(CONFIG, Path(RESULTS))]


def stores_of_images(explanation, images):
    """The attribution stores of some images of an explanation."""
    folder = f"{RESULTS}/attributions/{explanation}"
    return [f"{folder}/{image}.zarr/zarr.json" for image in images]


def figure_files(suffix):
    """Every figure of the configuration."""
    return [
        f"{RESULTS}/figures/{figure.paper or CONFIG.run.paper or CONFIG.run.name}/{name}.{suffix}"
        for name, figure in CONFIG.figures.items()
    ]


def explained_dataset(wildcards):
    """The dataset that an explanation's images are from."""
    explanation = CONFIG.explanations[wildcards.explanation]
    return dataset_store(CONFIG.classifiers[explanation.classifier].dataset)


def prior_store(wildcards):
    """The prior of an explanation, if it has one."""
    prior = CONFIG.explanations[wildcards.explanation].prior_name
    return f"{RESULTS}/priors/{prior}.zarr/zarr.json" if prior else []


def reference_store(wildcards):
    """The reference dataset of an explanation, if it has another than the explained one."""
    reference = CONFIG.explanations[wildcards.explanation].reference_name
    return dataset_store(reference) if reference else []


def chunks_of_explanation(name):
    """The done-files of every chunk of every batch of images."""
    explanation = CONFIG.explanations[name]
    return [
        str(layout.done_file(Path(RESULTS), name, batch, chunk))
        for batch in range(len(batches(explanation)))
        for chunk in range(explanation.chunk_count)
    ]


def drawn_results(wildcards):
    """What a figure shows."""
    figure = CONFIG.figures[wildcards.figure]
    return evaluation_tables(figure.evaluation_names) + listings(
        figure.explanation_names
    )


def evaluation_tables(names):
    """The tables of these evaluations."""
    return [f"{RESULTS}/evaluations/{name}.parquet" for name in names]


def evaluation_files():
    """What every evaluation of the configuration leaves."""
    return [
        str(layout.evaluation_file(CONFIG, Path(RESULTS), name))
        for name in CONFIG.evaluations
    ]


def classifier_of_evaluation(wildcards):
    """The classifier whose explanations an evaluation compares."""
    evaluation = CONFIG.evaluations[wildcards.evaluation]
    return CONFIG.explanations[evaluation.explanation_names[0]].classifier


def parts_of_evaluation(name, rule):
    """What the jobs of a rule leave that do the work of an evaluation."""
    evaluation = CONFIG.evaluations[name]
    numbers = range(evaluation.parts(CONFIG) if evaluation.parts_are == rule else 0)
    return [str(layout.part_file(Path(RESULTS), name, evaluation, n)) for n in numbers]


def measured_maps(name):
    """The maps of an evaluation that one job makes of them."""
    evaluation = CONFIG.evaluations[name]
    return listings(evaluation.explanation_names) if evaluation.reads_maps else []


def runs_classifier(name):
    """Whether the last job of an evaluation runs the classifier on other images."""
    return CONFIG.evaluations[name].runs_classifier


def settings_of_evaluation(name):
    """An evaluation as text, with the entries of which it makes results by itself."""
    evaluation = CONFIG.evaluations[name]
    return [text_of(one) for one in (evaluation, *evaluation.behind(CONFIG))]


def settings_of_study(name):
    """What the numbers of a simulated cohort depend on."""
    study = CONFIG.evaluations[name]
    return [json.dumps(study.of_part()), *map(text_of, study.behind(CONFIG))]


def prior_of_evaluation(wildcards):
    """The prior that regions are drawn from, if they are."""
    prior = CONFIG.evaluations[wildcards.evaluation].prior_name
    return f"{RESULTS}/priors/{prior}.zarr/zarr.json" if prior else []


def dataset_of_evaluation(wildcards):
    """The perturbed images' dataset, where regions are drawn from a prior."""
    if not CONFIG.evaluations[wildcards.evaluation].prior_name:
        return []
    return dataset_store(
        CONFIG.classifiers[classifier_of_evaluation(wildcards)].dataset
    )
