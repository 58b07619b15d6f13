# Stage 5, evaluation.
# Needs: the attributions of several explanations, and their classifier.
# Makes: one table per evaluation, a row for each image, method, step and repeat; or what was found
# about claims.


rule claims:
    input:
        attributions=lambda wildcards: attribution_stores(
            CONFIG.evaluations[wildcards.evaluation].explanations
        ),
    output:
        f"{RESULTS}/evaluations/{{evaluation}}.json",
    log:
        f"{LOGS}/evaluations/{{evaluation}}.claims.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}.claims.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=lambda wildcards: settings("evaluations", wildcards.evaluation),
        code=code("evaluation"),
    shell:
        "prediction-difference evaluation --config {params.config:q}"
        " --name {wildcards.evaluation:q} --results {params.results:q} --output {output:q}"
        " > {log:q} 2>&1"


rule evaluation:
    input:
        attributions=lambda wildcards: attribution_stores(
            CONFIG.evaluations[wildcards.evaluation].explanations
        ),
        classifier=lambda wildcards: classifier_card(
            classifier_of_evaluation(wildcards)
        ),
    output:
        f"{RESULTS}/evaluations/{{evaluation}}.parquet",
    log:
        f"{LOGS}/evaluations/{{evaluation}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        gpu=lambda wildcards: gpus(classifier_of_evaluation(wildcards)),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=lambda wildcards: settings("evaluations", wildcards.evaluation),
        seed=CONFIG.run.seed,
        code=code("evaluation"),
    shell:
        "prediction-difference evaluation --config {params.config:q}"
        " --name {wildcards.evaluation:q} --results {params.results:q} --output {output:q}"
        " > {log:q} 2>&1"
