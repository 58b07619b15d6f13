#!/usr/bin/env bash
# Runs inside the new environment, in the folder that snakemake was started in: the project's root.
set -euo pipefail
python -m pip install --no-deps --editable .
