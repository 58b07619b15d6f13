# Stage 2, priors.
# Needs: a dataset.
# Makes: one store per prior, with its mean, covariance and conditionals for each held-out split.


rule prior:
    input:
        unpack(inputs("prior")),
    output:
        f"{RESULTS}/priors/{{prior}}.zarr/manifest.sha256",
    log:
        f"{LOGS}/priors/{{prior}}.log",
    benchmark:
        f"{BENCHMARKS}/priors/{{prior}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("prior"),
        runtime=minutes("prior"),
    params:
        config=CONFIG_FILE,
        settings=settings("prior"),
        code=code("prior"),
    shell:
        "prediction-difference prior --config {params.config:q} --name {wildcards.prior:q}"
        " --data {input.data:q} --output {output:q} > {log:q} 2>&1"
