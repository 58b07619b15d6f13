#!/usr/bin/env python3
"""Take jobs back from PBS: `cancel.py JOB...`."""

import subprocess
import sys

sys.exit(subprocess.call(["qdel", *sys.argv[1:]]))
