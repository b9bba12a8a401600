"""A local cluster whose figures are taken: what the measuring tools and the report have in common.

    with Measured(managers=1, partitions=1, rf=3) as cluster:
        run = cluster.bench("a", clients=10, seconds=4)
        run["tput"], run["p99_us"]                      # as madkv-bench --json says
        run["flushes_per_s"], run["flushes_per_commit"]
        run["cpu_us_per_op"], run["rss_bytes"]          # of all servers together
    run["sent_bytes_per_op"]                        # {server: to other replicas}

Flushes are counted from outside the servers, by a library that is preloaded into them
(tools/bench/flushes.c) and knows nothing of them; processor time and memory are the kernel's figures.
Only commits are the servers' own word (STATUS), for the ratio.
"""

import json
import os
import platform
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import cluster as local

sys.dont_write_bytecode = True  # nothing of a run stays in the tree

RUN_LIMIT_S = 120.0          # beyond a run's own length
COUNTS = struct.Struct("4Q")  # fdatasync, fsync, msync, durable writes; see flushes.c
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
TO_REPLICAS = re.compile(r"\.to_(acceptor|proposer|learner|streamer)_\d\.sent_bytes$")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def flush_library(build=None):
    """Path of the library that counts, or None: sanitized builds have none."""
    try:
        bench = local.program_path("madkv-bench", build)
    except local.ClusterError:
        return None
    path = os.path.join(os.path.dirname(bench), "libmadkv_flushes.so")
    return path if os.path.isfile(path) else None


class Measured(local.Cluster):
    """A cluster of real processes (tools/cluster.py) that counts what its servers do."""

    def __init__(self, managers=1, partitions=1, rf=3, **options):
        self._counts = None
        env = dict(options.pop("env", None) or {})
        self._library = flush_library(options.get("build"))
        if self._library:
            self._counts = tempfile.mkdtemp(prefix="madkv-flushes-")
            env.update(LD_PRELOAD=self._library, MADKV_FLUSH_DIR=self._counts)
        super().__init__(managers, partitions, rf, env=env, **options)
        self.loaded = False

    def stop(self, graceful=True):
        """As Cluster.stop."""
        try:
            return super().stop(graceful)
        finally:
            if self._counts:
                shutil.rmtree(self._counts, ignore_errors=True)

    @property
    def servers(self):
        """Names of all servers."""
        return [name for name in self.names if name[0] == "s"]

    def flushes(self):
        """Flushes of all servers so far, or None: they are not counted in this build."""
        if not self._counts:
            return None
        total = 0
        for name in self.servers:
            with open(os.path.join(self._counts, str(self.pid(name))), "rb") as file:
                total += sum(COUNTS.unpack(file.read(COUNTS.size)))
        return total

    def commits(self):
        """Commits of all servers' logs so far, as they say."""
        def find(status):
            found = [replica["figures"]["log.commits"] for group in status["groups"]
                     for replica in group["replicas"]
                     if replica["node"] in self.servers and replica["up"]]
            return [sum(found)] if len(found) == len(self.servers) else None
        return self.wait_for("told the commits", find)[0]

    def sent_bytes(self):
        """{server: bytes of messages that it has sent to other replicas so far}, as they say."""
        def find(status):
            found = {replica["node"]: sum(number for name, number in replica["figures"].items()
                                          if TO_REPLICAS.search(name))
                     for group in status["groups"] for replica in group["replicas"]
                     if replica["node"] in self.servers and replica["up"]}
            return found if len(found) == len(self.servers) else None
        return self.wait_for("told what was sent", find)

    def cpu_s(self):
        """Processor time of all servers so far."""
        return sum(cpu_s(self.pid(name)) for name in self.servers)

    def idle_share(self, seconds=3):
        """What part of one core all processes use while nobody calls."""
        before = sum(cpu_s(self.pid(name)) for name in self.names)
        time.sleep(seconds)
        return (sum(cpu_s(self.pid(name)) for name in self.names) - before) / seconds

    def rss_bytes(self):
        """Resident memory of all servers."""
        total = 0
        for name in self.servers:
            with open(f"/proc/{self.pid(name)}/statm", encoding="ascii") as file:
                total += int(file.read().split()[1]) * PAGE_BYTES
        return total

    def bench(self, workload, clients, seconds, *flags):
        """One run of madkv-bench straight at the service; loads the records before the first."""
        if not self.loaded:
            self._run_bench("--workload", "c", "--ops", "1")
            self.loaded = True
        before = self.flushes(), self.commits(), self.cpu_s()
        sent = self.sent_bytes()
        result = self._run_bench("--workload", workload, "--clients", str(clients), "--seconds",
                                 str(seconds), "--no_load", *flags, timeout_s=seconds + RUN_LIMIT_S)
        flushes, commits, cpu = self.flushes(), self.commits(), self.cpu_s()
        made = commits - before[1]
        said = self.sent_bytes()
        counted = None if flushes is None else flushes - before[0]
        took = max(result["seconds"], 1e-3)
        result.update(
            commits_per_s=made / took, rss_bytes=self.rss_bytes(),
            flushes_per_s=None if counted is None else counted / took,
            flushes_per_commit=None if counted is None or made == 0 else counted / made,
            sent_bytes_per_op={name: (said[name] - sent[name]) / max(result["ops"], 1) for name in said},
            cpu_us_per_op=(cpu - before[2]) * 1e6 / result["ops"] if result["ops"] else None)
        return result

    def _run_bench(self, *flags, timeout_s=RUN_LIMIT_S):
        command = [local.program_path("madkv-bench", self.build), "--manager_addrs",
                   self.manager_addrs, "--json", *flags]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                              check=False, timeout=timeout_s)
        self.check()
        try:
            result = json.loads(done.stdout.splitlines()[-1])
        except (ValueError, IndexError):
            raise local.ClusterError(f"madkv-bench {' '.join(flags)} ended with "
                                     f"{local.describe_status(done.returncode)}") from None
        if done.returncode != 0 or result["errors"] or result["partial"]:
            raise local.ClusterError(f"a run of workload {result['workload']} with "
                                     f"{result['clients']} clients went wrong: {done.stdout.strip()}")
        return result


def cpu_s(pid):
    """Processor time of a process so far, in user and kernel mode."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def limits():
    """What the machine can do at all: {name: operations a second} (tools/bench/limits.c)."""
    command = [local.program_path("madkv-limits"), "--json"]
    done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True)
    if done.returncode != 0:
        raise local.ClusterError("madkv-limits failed")
    return json.loads(done.stdout)


LIMITS = {  # of limits(), in words
    "append_fdatasync": "append 4 KB to a file and fdatasync",
    "lmdb_commits": "LMDB commit of 1 KB (two flushes)",
    "lmdb_commits_3": "the same, three processes at once, in all",
    "inproc_round_trips": "ZeroMQ round trip of 1 KB, inproc, one in flight",
    "tcp_round_trips": "ZeroMQ round trip of 1 KB over TCP, one in flight",
    "tcp_round_trips_100": "the same, 100 in flight",
}


def machine():
    """The machine in a few words each: {what: value}."""
    facts = {"kernel": platform.release(), "processors": str(os.cpu_count())}
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        if found := re.search(r"^model name\s*:\s*(.+)$", file.read(), re.M):
            facts["processors"] += f" ({found[1]})"
    with open("/proc/meminfo", encoding="ascii") as file:
        total = int(re.search(r"^MemTotal:\s*(\d+) kB", file.read(), re.M)[1])
    facts["memory"] = f"{total / 1024 / 1024:.0f} GiB"
    place = tempfile.gettempdir()
    done = subprocess.run(["df", "--output=fstype,source", place], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    if done.returncode == 0:
        facts["disk"] = f"{' on '.join(done.stdout.splitlines()[1].split())} ({place})"
    with open("/proc/loadavg", encoding="ascii") as file:
        facts["load before"] = " ".join(file.read().split()[:3])
    return facts


def median(values):
    """The middle one, of an even number the lower: a value that was measured."""
    return statistics.median_low(values)
