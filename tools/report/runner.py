"""Makes the runs that a report lacks: each on a fresh service of its own, through the very programs that
the recipes run. A log is what says that a run is done, so that stopping in the middle loses one run."""

import contextlib
import os
import socket
import subprocess
import threading
import time

import cluster as local
import document
import logs
import measured
from story import say

TOOLS = {"bench": "benchmark", "fuzz": "fuzz", "testcase": "testcases"}
CRASH_PAUSE_S = 1.5     # between a replica's end and its return, and the next one's end
READY_LIMIT_S = 30.0


def parameter(run, name):
    """A word of a run by its parameter's name."""
    return run.words[list(run.group["words"]).index(name)] if "words" in run.group \
        else run.words[run.group["columns"].index(name)]


@contextlib.contextmanager
def replicated(run):
    """Three managers and one partition of as many replicas as the run says."""
    with measured.Measured(managers=3, partitions=1, rf=int(parameter(run, "server_rf"))) as cluster:
        yield cluster.manager_addrs, cluster


@contextlib.contextmanager
def partitioned(run):
    """A manager in memory, and as many servers as the run says, each for itself."""
    with measured.Measured(managers=1, partitions=int(parameter(run, "nservers")), rf=1,
                           manager_args=["--backer_path", "none"],
                           protocol=local.MULTIPAXOS) as cluster:
        yield cluster.manager_addrs, cluster


@contextlib.contextmanager
def single(run):
    """One server in memory, without managers."""
    del run
    address = f"{local.HOST}:{local.free_ports(1)[0]}"
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path("madkv-server"),
               "--manager_addrs", "none", "--api_listen", address, "--backer_path", "none"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_listener(address, process)
            yield address, None
        finally:
            process.terminate()


SERVICES = {"replicated": replicated, "partitioned": partitioned, "single": single}


def wait_for_listener(address, process):
    """Until the server takes connections."""
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + READY_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        time.sleep(local.POLL_INTERVAL_S)
    raise local.ClusterError(f"no server listens on {address}")


class Crashes:
    """While a fuzzer runs: kills the leader, waits for the next one, brings the dead one back, again and
    again; with five replicas a follower dies with it. Where servers are no replicas: one of three, two of
    five, each in turn."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _work(self):
        while not self._stop.wait(CRASH_PAUSE_S):
            with contextlib.suppress(local.ClusterError):
                self._crash(self._victims())

    def _crash(self, victims):
        """They come back whatever happens meanwhile: else the next ones would be too many."""
        for name in victims:
            self.cluster.kill(name)
        self.count += len(victims)
        try:
            if self.cluster.topology.rf > 1:
                self.cluster.leader("s0", other_than=victims[0])
            self._stop.wait(CRASH_PAUSE_S)
        finally:
            for name in victims:
                self.cluster.restart(name)

    def _victims(self):
        """Who dies next; of replicas the leader first."""
        if self.cluster.topology.rf == 1:
            servers = self.cluster.servers
            first = self.count % len(servers)
            return (servers[first:] + servers[:first])[:len(servers) // 2]
        leader = self.cluster.leader("s0")
        others = [name for name in self.cluster.topology.group("s0") if name != leader]
        return [leader, *others[:len(others) // 2 - 1]]


def command_of(run, address):
    """The program behind a run's recipe, and its parameters."""
    if run.kind == "testcase" and run.project == "p3":
        return [os.path.join(local.ROOT, "tools", "demos"), *run.words]
    words = [os.path.join(local.ROOT, "tools", TOOLS[run.kind]), run.project, *run.words]
    if address:
        words.append(address)
    if run.kind == "bench" and "calls" in run.group:
        words.append(str(run.group["calls"]))
    return words


def execute(command):
    """Runs it with its output going to its log only. Its exit status."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace") as process:
        try:
            _, complaint = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    for line in complaint.splitlines()[-1:] if process.returncode else []:
        say(f"    {line}")
    return process.returncode


def counts_of(cluster):
    """Flushes, commits and processor time so far, or None."""
    flushes = cluster.flushes() if cluster else None
    return None if flushes is None else (flushes, cluster.commits(), cluster.cpu_s())


def note_outside(path, before, cluster):
    """Writes behind the log what was counted meanwhile."""
    after = counts_of(cluster)
    flushes, commits, cpu = (late - early for early, late in zip(before, after))
    with open(path, "a", encoding="utf-8") as file:
        file.write(logs.outside_line(flushes, commits, cpu, cluster.rss_bytes()) + "\n")


def make(run, service, directory):
    """One run. Whether its log is whole afterwards."""
    path = os.path.join(directory, run.log_name)
    if not run.address:
        execute(command_of(run, None))
    else:
        with SERVICES[service](run) as (address, cluster):
            before = counts_of(cluster) if run.kind == "bench" else None
            crashing = run.kind == "fuzz" and "crashing" in run.group.get("columns", ()) and \
                parameter(run, "crashing") == "yes"
            with Crashes(cluster) if crashing else contextlib.nullcontext():
                status = execute(command_of(run, address))
            if before and status == 0:
                note_outside(path, before, cluster)
    try:
        run.read(directory)
    except logs.LogError as why:
        say(f"    the run is of no use: {why}")
        return False
    return True


class Clock:
    """How long the rest will take: what runs are thought to take, corrected by what they took."""

    def __init__(self, runs):
        self.left_s = sum(run.group["seconds"] for run in runs)
        self.thought_s = self.took_s = 0.0

    def left(self):
        """In words."""
        ratio = self.took_s / self.thought_s if self.thought_s else 1.0
        seconds = self.left_s * ratio
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"

    def note(self, run, took_s):
        """One is done."""
        self.left_s -= run.group["seconds"]
        self.thought_s += run.group["seconds"]
        self.took_s += took_s


def make_all(spec, missing, directory):
    """All that are missing, with progress. How many are still missing."""
    failed = 0
    clock = Clock(missing)
    document.write_facts(directory)
    for number, run in enumerate(missing, 1):
        say(f"run {number} of {len(missing)}, {clock.left()}: {run.recipe}")
        began = time.monotonic()
        failed += not make(run, spec.data["service"], directory)
        clock.note(run, time.monotonic() - began)
    return failed
