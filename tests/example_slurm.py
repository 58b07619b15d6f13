"""A Slurm of this machine alone, from Debian's packages, with two GPUs that are none."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "squeue", "sbatch", "scontrol", "scancel")
SETTINGS = Path("/etc/slurm")
"""Where it is looked for by every program; with only SLURM_CONF set, some jobs fail."""
_FILES = ("slurm.conf", "gres.conf")
_MUNGE = ("/run/munge", "/var/lib/munge", "/var/log/munge")
_CONF = """\
ClusterName=little
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
MinJobAge=7200
SwitchType=switch/none
MpiDefault=none
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
_GRES = "NodeName={host} Name=gpu File=/dev/tty[0-1]\n"


def reason_to_skip() -> str | None:
    """Why this machine cannot have it; None where it can."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} not found: install slurmctld slurmd slurm-client munge"
    if getpass.getuser() != "root":
        return "starting a Slurm takes root"
    if any((SETTINGS / name).exists() for name in _FILES):
        return f"{SETTINGS} has the settings of another Slurm"
    if not Path("/dev/tty1").exists():
        return "there is no /dev/tty1 to stand in for a GPU"
    return None


class LittleSlurm:
    """Starts munged, slurmctld and slurmd; stops what it started, and only that."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "LittleSlurm":
        try:
            self._configure()
            if self._munge_fails():
                self._start_munged()
            self._start("slurmctld", "-D", "-c")
            self._start("slurmd", "-D", "-N", self.host)
            self._wait_until(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%t"), "an idle node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if len(self._daemons) > 1:
                self.ask("scancel", "--user", "root")
                self._wait_until(
                    lambda: not self.ask("squeue", "-h"), "an empty queue", fails=False
                )
        finally:
            for daemon in reversed(self._daemons):
                daemon.terminate()
                try:
                    daemon.wait(20)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
            for name in _FILES:
                (SETTINGS / name).unlink(missing_ok=True)

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.stdout.strip()

    def jobs(self) -> list[dict[str, str]]:
        """Every job that there was, with what scontrol says of it."""
        lines = self.ask("scontrol", "show", "jobs", "--oneliner").splitlines()
        found = [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]
        return [job for job in found if "JobId" in job]

    def set_node(self, state: str) -> None:
        """Drain the node, or resume it."""
        self.ask("scontrol", "update", f"nodename={self.host}", f"state={state}", "reason=test")

    def _configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10 // 2**20
        values = {
            "host": self.host,
            "folder": self.folder,
            "ports": _free_ports(2),
            "cpus": os.cpu_count(),
            "memory": memory,
        }
        SETTINGS.mkdir(exist_ok=True)
        for name, text in zip(_FILES, (_CONF, _GRES), strict=True):
            (SETTINGS / name).write_text(text.format(**values))

    def _munge_fails(self) -> bool:
        done = subprocess.run(["munge", "-n"], capture_output=True, check=False, timeout=60)
        return done.returncode != 0

    def _start_munged(self) -> None:
        for folder in _MUNGE:
            Path(folder).mkdir(exist_ok=True)
            shutil.chown(folder, "munge", "munge")
            Path(folder).chmod(0o755 if folder.startswith("/run") else 0o700)
        self._start("munged", "--foreground", "--force", user="munge")
        self._wait_until(lambda: not self._munge_fails(), "munged")

    def _start(self, *command: str, user: str | None = None) -> None:
        with (self.folder / f"{command[0]}.out").open("w") as log:
            options = {} if user is None else {"user": user, "group": user, "extra_groups": []}
            self._daemons.append(
                subprocess.Popen(
                    command, stdout=log, stderr=log, cwd="/", start_new_session=True, **options
                )
            )

    def _wait_until(self, condition, what: str, fails: bool = True) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.2)
        if fails:
            logs = [
                f"{f.name}: {f.read_text()[-2000:]}" for f in self.folder.glob("*.*") if f.is_file()
            ]
            raise RuntimeError(f"there is not {what} after a minute\n" + "\n".join(logs))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for number in sockets:
        number.bind(("127.0.0.1", 0))
    ports = [number.getsockname()[1] for number in sockets]
    for number in sockets:
        number.close()
    return ports
