# Stage 6, figures.
# Needs: attributions, or a table of an evaluation.
# Makes: one picture per figure as PNG and as vector PDF, and the drawn numbers beside it.


rule figure:
    input:
        unpack(inputs("figure")),
    output:
        png=report(
            f"{RESULTS}/figures/{{paper}}/{{figure}}.png",
            category="Figures",
            caption="../report/figure.rst",
            labels={"paper": "{paper}", "figure": "{figure}"},
        ),
        pdf=f"{RESULTS}/figures/{{paper}}/{{figure}}.pdf",
        json=f"{RESULTS}/figures/{{paper}}/{{figure}}.json",
        manifest=f"{RESULTS}/figures/{{paper}}/{{figure}}.sha256",
    log:
        f"{LOGS}/figures/{{paper}}/{{figure}}.log",
    benchmark:
        f"{BENCHMARKS}/figures/{{paper}}/{{figure}}.tsv"
    conda:
        "../../envs/prediction-difference.yaml"
    resources:
        mem_mb=memory("figure"),
        runtime=minutes("figure"),
    params:
        config=CONFIG_FILE,
        results=lambda wildcards: RESULTS,
        settings=settings("figure"),
        code=code("figure"),
    shell:
        "prediction-difference figure --config {params.config:q} --name {wildcards.figure:q}"
        " --results {params.results:q} --png {output.png:q} --pdf {output.pdf:q}"
        " --json {output.json:q} > {log:q} 2>&1"
