# Stage 3, classifiers.
# Needs: a dataset, and for a checkpoint the classifier whose training kept it.
# Makes: one folder per classifier, with weights, card, training history and predictions; a trained
# one also has its checkpoints there.


rule classifier:
    input:
        unpack(inputs("classifier")),
    output:
        card=f"{RESULTS}/classifiers/{{classifier}}/card.json",
        weights=f"{RESULTS}/classifiers/{{classifier}}/weights.safetensors",
        history=f"{RESULTS}/classifiers/{{classifier}}/history.csv",
        predictions=f"{RESULTS}/classifiers/{{classifier}}/predictions.parquet",
        manifest=f"{RESULTS}/classifiers/{{classifier}}/card.sha256",
    log:
        f"{LOGS}/classifiers/{{classifier}}.log",
    benchmark:
        f"{BENCHMARKS}/classifiers/{{classifier}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("classifier"),
        runtime=minutes("classifier"),
        gpu=gpus("classifier"),
    params:
        config=CONFIG_FILE,
        settings=settings("classifier"),
        trained=option("trained"),
        files=lambda wildcards: files_state(CONFIG, "classifiers", wildcards.classifier),
        code=code("classifier"),
    shell:
        "prediction-difference classifier --config {params.config:q}"
        " --name {wildcards.classifier:q} --data {input.data:q} --output {output.card:q}"
        " {params.trained} > {log:q} 2>&1"
