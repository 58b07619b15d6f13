"""Evidence maps for classifiers: from a configuration to results/<run>/report/index.html.

    config -> data -> priors -> classifiers -> attribution -> evaluation -> figures -> report

One rule file per stage, in that order. Each says what a stage needs and makes; the package
prediction_difference says how. The profile in profiles/default names the configuration.
"""

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/configuration.smk"
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/priors.smk"
include: "workflow/rules/classifiers.smk"
include: "workflow/rules/attribution.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        rules.report.output,
        [str(file) for file in ARTIFACTS.lost_files],


rule figures:
    input:
        [str(ARTIFACTS.figure(name).main) for name in CONFIG.figures],
        [str(file) for file in ARTIFACTS.lost_files],


for file in PAPERS:

    rule:
        name:
            file.stem
        input:
            [*rules.report.output, *(str(file) for file in ARTIFACTS.lost_files)]
            if CONFIG.run.paper == file.stem
            else [],


onstart:
    write_run_config()
    print(f"How far it is: prediction-difference progress {RESULTS}")


onsuccess:
    print(what_ran())


onerror:
    print(what_ran())
