# Stage 2, priors.
# Needs: a dataset.
# Makes: one store per prior, with its mean, covariance and conditionals for each held-out split.


rule prior:
    input:
        data=lambda wildcards: dataset_store(CONFIG.priors[wildcards.prior].dataset),
    output:
        f"{RESULTS}/priors/{{prior}}.zarr/zarr.json",
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
        settings=lambda wildcards: settings("priors", wildcards.prior),
        windows=lambda wildcards: windows_of_prior(CONFIG, wildcards.prior),
        seed=CONFIG.run.seed,
        code=lambda wildcards: code("priors", wildcards.prior),
    shell:
        "prediction-difference prior --config {params.config:q} --name {wildcards.prior:q}"
        " --data {input.data:q} --output {output:q} > {log:q} 2>&1"
