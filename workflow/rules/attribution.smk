# Stage 4, attribution.
# Needs: a dataset, a classifier, and a prior or reference images where the method draws samples.
# Makes: one store per explanation and image.
# A chunk is a share of the rows of windows, for a batch of images. It writes its rows to working
# stores under chunks/, which are no outputs of Snakemake, so that what is finished survives a
# killed job; their names hold a digest of everything that determines them.


rule chunk:
    input:
        data=explained_dataset,
        classifier=lambda wildcards: classifier_card(
            CONFIG.explanations[wildcards.explanation].classifier
        ),
        prior=prior_store,
        reference=reference_store,
    output:
        f"{RESULTS}/chunks/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.json",
    log:
        f"{LOGS}/attributions/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.log",
    benchmark:
        f"{BENCHMARKS}/attributions/{{explanation}}/batch-{{batch}}.chunk-{{chunk}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        gpu=lambda wildcards: gpus(
            CONFIG.explanations[wildcards.explanation].classifier
        ),
    params:
        config=CONFIG_FILE,
        settings=lambda wildcards: settings("explanations", wildcards.explanation),
        work=lambda wildcards: f"{RESULTS}/chunks/{wildcards.explanation}",
        prior=lambda wildcards, input: flag("--prior", input.get("prior")),
        reference=lambda wildcards, input: flag("--reference", input.get("reference")),
        seed=CONFIG.run.seed,
        code=lambda wildcards: code_of_explanation(wildcards.explanation),
    shell:
        "prediction-difference chunk --config {params.config:q} --name {wildcards.explanation:q}"
        " --data {input.data:q} --classifier {input.classifier:q} {params.prior}"
        " {params.reference} --batch {wildcards.batch} --chunk {wildcards.chunk}"
        " --work {params.work:q} --done {output:q} > {log:q} 2>&1"


rule attribution:
    input:
        done=chunks_of_image,
    output:
        f"{RESULTS}/attributions/{{explanation}}/{{image}}.zarr/zarr.json",
    log:
        f"{LOGS}/attributions/{{explanation}}/{{image}}.log",
    benchmark:
        f"{BENCHMARKS}/attributions/{{explanation}}/{{image}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    params:
        config=CONFIG_FILE,
        work=lambda wildcards: f"{RESULTS}/chunks/{wildcards.explanation}",
        done=lambda wildcards, input: " ".join(
            flag("--done", file) for file in input.done
        ),
        code=code("attribution"),
    shell:
        "prediction-difference attribution --config {params.config:q} --name {wildcards.explanation:q}"
        " --image {wildcards.image:q} --work {params.work:q} {params.done}"
        " --output {output:q} > {log:q} 2>&1"
