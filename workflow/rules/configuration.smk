# The configuration: where it comes from, what is wrong with it, and the table of what it makes.

import json
import os
import sys
import time

from prediction_difference import preflight
from prediction_difference.artifacts.table import Artifacts
from prediction_difference.config import parse_config, read_yaml, variables_in
from prediction_difference.errors import ConfigError, StoreError
from prediction_difference.gpus import installed
from prediction_difference.files import write_text
from prediction_difference.workload.summary import summary
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

PAPERS = sorted(Path(workflow.basedir, "config/papers").glob("*.yaml"))
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
ARTIFACTS = Artifacts(CONFIG, Path(RESULTS))
STARTED = time.time()


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
