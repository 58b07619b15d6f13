# Stage 1, data.
# Needs: nothing but the configuration and the files that it names.
# Makes: one store per dataset, with images, labels, splits and checksums of the sources.


rule data:
    output:
        f"{RESULTS}/data/{{dataset}}.zarr/manifest.sha256",
    log:
        f"{LOGS}/data/{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/data/{{dataset}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("data"),
        runtime=minutes("data"),
    params:
        config=CONFIG_FILE,
        settings=settings("data"),
        files=lambda wildcards: files_state(CONFIG, "datasets", wildcards.dataset),
        code=code("data"),
    shell:
        "prediction-difference data --config {params.config:q} --name {wildcards.dataset:q}"
        " --output {output:q} > {log:q} 2>&1"
