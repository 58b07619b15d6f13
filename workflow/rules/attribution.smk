# Stage 4, attribution.
# Needs: a dataset, a classifier, and a prior or reference images where the method draws samples.
# Makes: one store per explanation and image, and a listing of those of an explanation, which stands
# for all of them where they are used; of volumes also a NIfTI file and its JSON file, and another of
# standard errors where values were sampled, which is no output of Snakemake as only the job knows of
# it.
# A chunk is a share of the rows of windows, for a batch of images. It writes its rows to working
# stores under chunks/, which are no outputs of Snakemake, so that what is finished survives a
# killed job; their names hold a digest of everything that determines them.


rule chunk:
    input:
        unpack(inputs("chunk")),
    output:
        f"{RESULTS}/chunks/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.json",
    log:
        f"{LOGS}/attributions/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/attributions/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("chunk"),
        runtime=minutes("chunk"),
        gpu=gpus("chunk"),
    params:
        config=CONFIG_FILE,
        settings=settings("chunk"),
        work=lambda wildcards: f"{RESULTS}/chunks/{wildcards.explanation}",
        prior=option("prior"),
        reference=option("reference"),
        code=code("chunk"),
    shell:
        "prediction-difference chunk --config {params.config:q} --name {wildcards.explanation:q}"
        " --data {input.data:q} --classifier {input.classifier:q} {params.prior}"
        " {params.reference} --batch {wildcards.batch} --chunk {wildcards.chunk}"
        " --work {params.work:q} --done {output:q} > {log:q} 2>&1"


# What is finished is published by one job for all images of an explanation, since that takes less
# time than starting a job for each.

for name in CONFIG.explanations:

    rule:
        name:
            f"attribution_{name}"
        input:
            [str(one.main) for one in ARTIFACTS.chunks(name)],
        output:
            *(str(file) for file in ARTIFACTS.attribution(name).outputs),
        log:
            f"{LOGS}/attributions/{name}.log",
        benchmark:
            f"{BENCHMARKS}/attributions/{name}.tsv"
        conda:
            "../../envs/prediction-difference.yaml"
        resources:
            mem_mb=memory("attribution"),
            runtime=minutes("attribution"),
        params:
            config=CONFIG_FILE,
            name=name,
            results=lambda wildcards: RESULTS,
            code=ARTIFACTS.code_of(ARTIFACTS.attribution(name)),
        shell:
            "prediction-difference attribution --config {params.config:q} --name {params.name:q}"
            " --results {params.results:q} > {log:q} 2>&1"
