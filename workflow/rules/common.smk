# What the other files share: the checked configuration and the names that follow from it.

import json
import os
import shlex
import sys
from shutil import which

from prediction_difference import layout, origins, preflight, provenance
from prediction_difference.config import (
    batches,
    parse_config,
    read_yaml,
    shards,
    shown_slots,
    slots,
    windows_of_prior,
)
from prediction_difference.errors import ConfigError, StoreError
from prediction_difference.preflight import files_state
from prediction_difference.stores import write_text
from snakemake.exceptions import WorkflowError

PAPER_VARIABLE = "PREDICTION_DIFFERENCE_PAPER"
PAPERS = sorted(Path(workflow.basedir, "config/papers").glob("*.yaml"))


def take_paper():
    """Where a paper's target is asked for, its configuration in place of a default one.

    Jobs, which are started with other arguments, learn of it from the environment.
    """
    if workflow.is_main_process:
        asked = [file.stem for file in PAPERS if file.stem in sys.argv[1:]]
        os.environ[PAPER_VARIABLE] = " ".join(asked)
    asked = os.environ.get(PAPER_VARIABLE, "").split()
    if len(asked) > 1:
        raise WorkflowError(
            f"{' and '.join(asked)} are runs of their own: ask for one at a time"
        )
    for paper in asked:
        if (config.get("run") or {}).get("paper") == paper:
            continue
        chosen = {key: config[key] for key in ["setting"] if key in config}
        config.clear()
        config.update(
            read_yaml(Path(workflow.basedir, f"config/papers/{paper}.yaml")) | chosen
        )


def checked_config():
    """The configuration, or one message with everything that is wrong with it and its files."""
    try:
        # A cluster's jobs read this file anew; the files were looked at before they started.
        check = preflight.checked_config if workflow.is_main_process else parse_config
        return check(dict(config))
    except ConfigError as error:
        raise WorkflowError(str(error)) from None


take_paper()
CONFIG = checked_config()
RESULTS = f"results/{CONFIG.run.name}"
LOGS = f"logs/{CONFIG.run.name}"
BENCHMARKS = f"benchmarks/{CONFIG.run.name}"
CONFIG_FILE = f"{RESULTS}/config.yaml"


wildcard_constraints:
    dataset=r"[^/]+",
    prior=r"[^/]+",
    classifier=r"[^/]+",
    explanation=r"[^/]+",
    batch=r"\d+",
    chunk=r"\d+",
    shard=r"\d+",
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


def settings(section, name):
    """One entry of the configuration as text: a job is run again when it changes."""
    return getattr(CONFIG, section)[name].model_dump_json()


def code(*stages):
    """Digest of the source of stages: their jobs are run again when it changes."""
    return provenance.source_digest(*stages)


def code_of_explanation(name):
    """Marginal sampling runs code of the priors without a prior as input."""
    draws = CONFIG.explanations[name].method == "prediction-difference"
    return code("attribution", "priors") if draws else code("attribution")


def flag(name, value):
    """An option and its value, quoted for the shell; nothing where there is no value."""
    return f"{name} {shlex.quote(str(value))}" if value else ""


def gpus(classifier):
    """GPUs that a job with this classifier reserves: with device auto, where one can be seen."""
    device = CONFIG.run.device
    is_wanted = device.startswith("cuda") or (device == "auto" and which("nvidia-smi"))
    kind = CONFIG.classifiers[classifier].kind
    is_network = kind not in ("logistic-regression", "scikit-learn")
    return 1 if is_wanted and is_network else 0


def dataset_store(name):
    return f"{RESULTS}/data/{name}.zarr/zarr.json"


def classifier_card(name):
    return f"{RESULTS}/classifiers/{name}/card.json"


def trained_classifier(wildcards):
    """The classifier that a checkpoint is of."""
    classifier = CONFIG.classifiers[wildcards.classifier]
    return classifier_card(classifier.of) if classifier.kind == "checkpoint" else []


def attribution_stores(explanations):
    """The attribution store of every image of these explanations."""
    return [
        store
        for name in explanations
        for store in stores_of_images(name, slots(CONFIG.explanations[name]))
    ]


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
    prior = getattr(CONFIG.explanations[wildcards.explanation], "prior", None)
    return f"{RESULTS}/priors/{prior}.zarr/zarr.json" if prior else []


def reference_store(wildcards):
    """The reference dataset of an explanation, if it has another than the explained one."""
    reference = getattr(CONFIG.explanations[wildcards.explanation], "reference", None)
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
    shown = shown_slots(figure, CONFIG.explanations)
    return evaluation_tables(figure.evaluation_names) + [
        store
        for name, images in shown.items()
        for store in stores_of_images(name, images)
    ]


def evaluation_tables(names):
    """The tables of these evaluations."""
    return [f"{RESULTS}/evaluations/{name}.parquet" for name in names]


def evaluation_files():
    """What every evaluation of the configuration leaves."""
    suffixes = {"claims": "json"}
    return [
        f"{RESULTS}/evaluations/{name}.{suffixes.get(evaluation.measure, 'parquet')}"
        for name, evaluation in CONFIG.evaluations.items()
    ]


def classifier_of_evaluation(wildcards):
    """The classifier whose explanations an evaluation compares."""
    evaluation = CONFIG.evaluations[wildcards.evaluation]
    return CONFIG.explanations[evaluation.explanations[0]].classifier


def shards_of_evaluation(name):
    """The done-files of every shard of an evaluation that perturbs images."""
    if CONFIG.evaluations[name].measure != "aopc":
        return []
    folder = f"{RESULTS}/shards/{name}"
    return [f"{folder}/shard-{n}.json" for n in range(len(shards(CONFIG, name)))]


def attributions_of_shard(name, shard):
    """The attribution stores of the images of a shard, of all compared explanations."""
    images = shards(CONFIG, name)[shard]
    return [
        store
        for explanation in CONFIG.evaluations[name].explanations
        for store in stores_of_images(explanation, images)
    ]


def measured_maps(name):
    """The attribution stores of an evaluation that one job makes of them."""
    evaluation = CONFIG.evaluations[name]
    is_whole = evaluation.measure in (
        "complexity",
        "image-specificity",
        "aggregation",
        "consistency",
        "strong-features",
        "dominance",
    )
    return attribution_stores(evaluation.explanations) if is_whole else []


def runs_classifier(name):
    """Whether the last job of an evaluation runs the classifier on other images."""
    return CONFIG.evaluations[name].measure in ("image-specificity", "strong-features")


def settings_of_evaluation(name):
    """An evaluation as text, with the explanations of one that makes maps by itself."""
    evaluation = CONFIG.evaluations[name]
    is_alone = evaluation.measure == "continuity"
    methods = evaluation.explanations if is_alone else []
    if evaluation.measure == "cohort-accuracy":
        classifier = CONFIG.classifiers[evaluation.classifier]
        return [
            settings("evaluations", name),
            settings("classifiers", evaluation.classifier),
            settings("datasets", classifier.dataset),
        ]
    return [
        settings("evaluations", name),
        *(settings("explanations", m) for m in methods),
    ]


def code_of_evaluation(name):
    """Digest of the source that makes an evaluation from its inputs."""
    return code(*origins.stages_of(CONFIG, "evaluations", name))


def prior_of_evaluation(wildcards):
    """The prior that regions are drawn from, if they are."""
    prior = CONFIG.evaluations[wildcards.evaluation].prior
    return f"{RESULTS}/priors/{prior}.zarr/zarr.json" if prior else []


def dataset_of_evaluation(wildcards):
    """The perturbed images' dataset, where regions are drawn from a prior."""
    if not CONFIG.evaluations[wildcards.evaluation].prior:
        return []
    return dataset_store(
        CONFIG.classifiers[classifier_of_evaluation(wildcards)].dataset
    )
