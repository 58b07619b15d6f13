"""What the engines are measured beside: speed, memory, exactness; not installed with the package.

`python -m benchmarks` measures what settings.yaml names and writes the tables and plots of it,
`python -m benchmarks.planning` and `python -m benchmarks.storage` print the tables of
docs/workloads.md.
"""
