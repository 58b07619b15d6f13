# Stage 7, report.
# Needs: everything that the configuration asks for.
# Makes: one page that opens without a network.


rule report:
    input:
        classifiers=[classifier_card(name) for name in CONFIG.classifiers],
        attributions=attribution_stores(CONFIG.explanations),
        evaluations=[
            f"{RESULTS}/evaluations/{name}.parquet" for name in CONFIG.evaluations
        ],
        figures=figure_files("json"),
    output:
        report(
            f"{RESULTS}/report/index.html",
            category="Report",
            caption="../report/report.rst",
        ),
    log:
        f"{LOGS}/report/index.log",
    benchmark:
        f"{BENCHMARKS}/report/index.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        code=code("report"),
    shell:
        "prediction-difference report --config {params.config:q} --results {params.results:q}"
        " --output {output:q} > {log:q} 2>&1"
