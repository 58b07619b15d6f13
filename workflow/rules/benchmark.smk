# Stage 8, benchmark: how fast and how exact the engines are; on demand, nothing depends on it.
# Needs: workflow/benchmark.yaml, and the machine for itself.
# Makes: numbers, tables and plots in results/benchmark.
# What is measured is kept in parts/ there, which is no output, so that a killed job goes on.


BENCHMARK_SETTINGS = Path(workflow.basedir, "workflow/benchmark.yaml")


rule benchmark:
    output:
        json="results/benchmark/benchmark.json",
        tables=multiext("results/benchmark/table", ".md", ".html"),
        plots=expand(
            "results/benchmark/{plot}.{kind}",
            plot=["speed", "ablation", "scaling", "maps"],
            kind=["png", "pdf", "json"],
        ),
    log:
        "logs/benchmark/benchmark.log",
    conda:
        "../../envs/prediction-difference.yaml"
    threads: lambda wildcards: workflow.cores
    resources:
        mem_mb=memory("benchmark"),
        runtime=minutes("benchmark"),
        gpu=lambda wildcards: int(bool(installed())),
    params:
        settings=str(BENCHMARK_SETTINGS),
        text=BENCHMARK_SETTINGS.read_text(),
        output=lambda wildcards, output: str(Path(output.json).parent),
        code=code_digest("prediction_difference.benchmark.run"),
    shell:
        "prediction-difference benchmark --config {params.settings:q} --output {params.output:q}"
        " > {log:q} 2>&1"
