# What rules ask the table of artifacts, and which wildcards there are.

import shlex

from prediction_difference.artifacts.table import RESOURCES
from prediction_difference.preflight import files_state


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


def of(rule, wildcards):
    """The artifact that a rule makes with these wildcards."""
    return ARTIFACTS.of(rule, **wildcards)


def inputs(rule):
    """Files that a rule waits for, by their roles."""
    return lambda wildcards: {
        role: [str(path) for path in paths]
        for role, paths in of(rule, wildcards).inputs.items()
    }


def settings(rule):
    """What the configuration says of an artifact: its job is run again when it changes."""
    return lambda wildcards: of(rule, wildcards).text


def code(rule):
    """Digest of the code that makes an artifact: its job is run again when it changes."""
    return lambda wildcards: ARTIFACTS.code_of(of(rule, wildcards))


def option(role):
    """An option with every file of a role, for the shell; nothing where there is none."""
    return lambda wildcards, input: " ".join(
        f"--{role} {shlex.quote(str(path))}" for path in input.get(role)
    )


def memory(rule):
    """MB that a job of a rule reserves, as a function of its attempt."""
    return lambda wildcards, attempt: RESOURCES[rule].memory * 2 ** (attempt - 1)


def minutes(rule):
    """Minutes that a job of a rule reserves, as a function of its attempt."""
    return lambda wildcards, attempt: RESOURCES[rule].minutes * 2 ** (attempt - 1)


def gpus(rule):
    """GPUs that a job of a rule reserves; one that runs no network needs none."""
    return lambda wildcards: int(of(rule, wildcards).uses_gpu and is_gpu_wanted())
