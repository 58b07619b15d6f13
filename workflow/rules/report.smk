# Stage 7, report.
# Needs: everything that the configuration asks for.
# Makes: a page with all of it, and an interactive one of its maps; they open without a network.


rule report:
    input:
        classifiers=[classifier_card(name) for name in CONFIG.classifiers],
        attributions=attribution_stores(CONFIG.explanations),
        evaluations=evaluation_files(),
        figures=figure_files("json"),
    output:
        index=report(
            f"{RESULTS}/report/index.html",
            category="Report",
            caption="../report/report.rst",
        ),
        maps=report(
            f"{RESULTS}/report/maps.html",
            category="Report",
            caption="../report/maps.rst",
        ),
        checksums=f"{RESULTS}/report/index.sha256",
    log:
        f"{LOGS}/report/index.log",
    benchmark:
        f"{BENCHMARKS}/report/index.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=lambda wildcards: CONFIG.model_dump_json(),
        code=code("report"),
    shell:
        "prediction-difference report --config {params.config:q} --results {params.results:q}"
        " --output {output.index:q} --maps {output.maps:q} > {log:q} 2>&1"
