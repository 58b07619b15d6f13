# Stage 7, report.
# Needs: everything that the configuration asks for.
# Makes: a page with all of it, an interactive one of its maps, and one of each cohort's volumes;
# they open without a network.


rule brains:
    input:
        unpack(inputs("brains")),
    output:
        report(
            f"{RESULTS}/report/brains-{{dataset}}.html",
            category="Report",
            caption="../report/brains.rst",
        ),
    log:
        f"{LOGS}/report/brains-{{dataset}}.log",
    benchmark:
        f"{BENCHMARKS}/report/brains-{{dataset}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("brains"),
        runtime=minutes("brains"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        code=code("brains"),
    shell:
        "prediction-difference brains --config {params.config:q} --name {wildcards.dataset:q}"
        " --results {params.results:q} --output {output:q} > {log:q} 2>&1"


rule report:
    input:
        unpack(inputs("report")),
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
        manifest=f"{RESULTS}/report/index.sha256",
    log:
        f"{LOGS}/report/index.log",
    benchmark:
        f"{BENCHMARKS}/report/index.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("report"),
        runtime=minutes("report"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=settings("report"),
        code=code("report"),
    shell:
        "prediction-difference report --config {params.config:q} --results {params.results:q}"
        " --output {output.index:q} --maps {output.maps:q} > {log:q} 2>&1"
