# Stage 5, evaluation.
# Needs: the attributions of several explanations, and their classifier.
# Makes: one table per evaluation, a row for each image, method, step and repeat, for each map, or
# for each point, angle or region; or what was found about claims.
# A shard is a batch of images, perturbed by every method. Its curves are in working stores under
# shards/, which are no outputs of Snakemake, so that a killed job goes on after the last curve.
# A study of location needs nothing but the configuration: each cohort is simulated, explained and
# measured by one job.


rule claims:
    input:
        unpack(inputs("claims")),
    output:
        found=f"{RESULTS}/evaluations/{{evaluation}}.json",
        manifest=f"{RESULTS}/evaluations/{{evaluation}}.sha256",
    log:
        f"{LOGS}/evaluations/{{evaluation}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("claims"),
        runtime=minutes("claims"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=settings("claims"),
        code=code("claims"),
    shell:
        "prediction-difference evaluation --config {params.config:q}"
        " --name {wildcards.evaluation:q} --results {params.results:q} --output {output.found:q}"
        " > {log:q} 2>&1"


rule shard:
    input:
        unpack(inputs("shard")),
    output:
        f"{RESULTS}/shards/{{evaluation}}/shard-{{shard}}.json",
    log:
        f"{LOGS}/evaluations/{{evaluation}}/shard-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}/shard-{{shard}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("shard"),
        runtime=minutes("shard"),
        gpu=gpus("shard"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        work=lambda wildcards: f"{RESULTS}/shards/{wildcards.evaluation}",
        settings=settings("shard"),
        prior=option("prior"),
        data=option("data"),
        code=code("shard"),
    shell:
        "prediction-difference shard --config {params.config:q} --name {wildcards.evaluation:q}"
        " --results {params.results:q} --shard {wildcards.shard} --work {params.work:q}"
        " {params.data} {params.prior} --done {output:q} > {log:q} 2>&1"


rule cohort:
    output:
        table=f"{RESULTS}/cohorts/{{evaluation}}/cohort-{{cohort}}.parquet",
        manifest=f"{RESULTS}/cohorts/{{evaluation}}/cohort-{{cohort}}.sha256",
    log:
        f"{LOGS}/evaluations/{{evaluation}}/cohort-{{cohort}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}/cohort-{{cohort}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("cohort"),
        runtime=minutes("cohort"),
    params:
        config=CONFIG_FILE,
        settings=settings("cohort"),
        code=code("cohort"),
    shell:
        "prediction-difference cohort --config {params.config:q} --name {wildcards.evaluation:q}"
        " --cohort {wildcards.cohort} --output {output.table:q} > {log:q} 2>&1"


rule evaluation:
    input:
        unpack(inputs("evaluation")),
    output:
        table=f"{RESULTS}/evaluations/{{evaluation}}.parquet",
        manifest=f"{RESULTS}/evaluations/{{evaluation}}.sha256",
    log:
        f"{LOGS}/evaluations/{{evaluation}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluations/{{evaluation}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("evaluation"),
        runtime=minutes("evaluation"),
        gpu=gpus("evaluation"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        done=option("done"),
        settings=settings("evaluation"),
        code=code("evaluation"),
    shell:
        "prediction-difference evaluation --config {params.config:q}"
        " --name {wildcards.evaluation:q} --results {params.results:q}"
        " {params.done} --output {output.table:q} > {log:q} 2>&1"
