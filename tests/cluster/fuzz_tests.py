"""tools/fuzz, as `just p3::fuzz` runs it: its verdict, its log and its exit status."""

import contextlib
import os
import signal
import subprocess
import sys

from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from harness import figure, local, require, test, wait_until

FUZZ = os.path.join(local.ROOT, "tools", "fuzz")
RESULT = "Fuzz testing result:"
FUZZ_LIMIT_S = 300.0
SWING_SLOTS = 1000   # so many further on, the load is in the middle of it


def fuzz(*words):
    """A started fuzzer, its stderr joined to its stdout."""
    return subprocess.Popen([sys.executable, FUZZ, *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def verdict(output):
    """The last word of the one line that tells the result."""
    lines = [line for line in output.splitlines() if RESULT in line]
    require(len(lines) == 1 and output.count(RESULT) == 1, f"not one result in {output!r}")
    return lines[0].split()[-1]


def log_of(rf, crashing):
    """Path of the log the contract names."""
    return f"/tmp/madkv-p3/fuzz/fuzz-{rf}-{crashing}.log"


@test
def test_fuzz_passes_twice_while_a_leader_dies(place):
    """The second run finds what the first one left behind. The log holds what stdout did."""
    with place.cluster(rf=3) as cluster:
        for crashing in ("no", "yes"):
            with fuzz("p3", "3", crashing, cluster.manager_addrs) as process:
                if crashing == "yes":
                    victim = cluster.leader("s0")
                    begin = figure(cluster, victim, "applier.applied_slot")
                    wait_until("in full swing", lambda: figure(
                        cluster, victim, "applier.applied_slot") > begin + SWING_SLOTS)
                    cluster.kill(victim)
                output, _ = process.communicate(timeout=FUZZ_LIMIT_S)
            require(process.returncode == EXIT_OK, f"it ended with {process.returncode}: {output}")
            require(verdict(output) == "PASSED", output)
            require("25000 of 25000 calls answered" in output, output)
            with open(log_of(3, crashing), encoding="utf-8") as log:
                require(log.read() == output, "the log is not what was said")
        cluster.restart(victim)
        cluster.wait_healthy()


def program_of(pid):
    """The name of the program that a process runs; "" once it has ended."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except FileNotFoundError:
        return ""


def children(pid, program):
    """Process ids of the processes that run `program` and were started by `pid`."""
    direct = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            direct += file.read().split()
    return sorted({int(child) for child in direct if program_of(child) == program})


@test
def test_fuzz_fails_when_a_client_dies(place):
    """Whose calls nobody can judge."""
    with place.cluster(managers=1, rf=1) as cluster:
        with fuzz("p3", "1", "no", cluster.manager_addrs) as process:
            clients = wait_until("at five clients", lambda: len(children(
                process.pid, "madkv-client")) == 5 and children(process.pid, "madkv-client"))
            os.kill(clients[2], signal.SIGKILL)
            output, _ = process.communicate(timeout=FUZZ_LIMIT_S)
        require(process.returncode == EXIT_FAILED, f"it ended with {process.returncode}: {output}")
        require(verdict(output) == "FAILED", output)


@test
def test_fuzz_leaves_no_client_behind(place):
    """Interrupted in the middle."""
    with place.cluster(managers=1, rf=1) as cluster:
        with fuzz("p3", "1", "yes", cluster.manager_addrs) as process:
            clients = wait_until("at five clients", lambda: len(children(
                process.pid, "madkv-client")) == 5 and children(process.pid, "madkv-client"))
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=FUZZ_LIMIT_S)
        require(process.returncode == 128 + signal.SIGINT, f"ended with {process.returncode}")
        require(RESULT not in output, f"an interrupted run has a result: {output}")
        left = [pid for pid in clients if os.path.exists(f"/proc/{pid}")]
        require(not left, f"clients {left} still run")


@test
def test_fuzz_refuses_wrong_parameters(place):
    """One line, exit status 2."""
    del place
    for words, named in ((("p3", "4", "no", "127.0.0.1:1"), "'4'"),
                         (("p3", "3", "maybe", "127.0.0.1:1"), "'maybe'"),
                         (("p3", "3", "no"), "managers is missing"),
                         (("p3", "3", "no", "127.0.0.1:0"), "'127.0.0.1:0'"),
                         (("p3", "3", "no", "127.0.0.1:1", "x"), "too many: 'x'"),
                         (("p2", "0", "no", "127.0.0.1:1"), "nservers is '0'"),
                         (("p1", "65", "no", "127.0.0.1:1"), "nclis is '65'"),
                         (("p1", "3", "x", "127.0.0.1:1"), "conflict is 'x'"),
                         (("p4", "3", "no", "127.0.0.1:1"), "'p4'")):
        with fuzz(*words) as process:
            output, _ = process.communicate(timeout=FUZZ_LIMIT_S)
        require(process.returncode == EXIT_USAGE and named in output and output.count("\n") == 1,
                f"{words}: {process.returncode} {output!r}")
