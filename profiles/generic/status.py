#!/usr/bin/env python3
"""Ask PBS for a job: `status.py JOB` prints running, success or failed."""

import re
import subprocess
import sys

asked = subprocess.run(["qstat", "-x", "-f", sys.argv[1]], capture_output=True, text=True)
facts = dict(re.findall(r"^\s*(job_state|Exit_status) = (\S+)", asked.stdout, re.MULTILINE))
if asked.returncode != 0:
    # The server may be busy; only of a job that it does not know is it certain.
    print("failed" if "unknown job" in asked.stderr.lower() else "running")
elif facts.get("job_state") not in ("F", "C"):
    print("running")
else:
    print("success" if facts.get("Exit_status") == "0" else "failed")
