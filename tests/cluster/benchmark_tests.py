"""tools/benchmark, as `just p3::bench` runs it: its log, and what becomes of it when things break.
Never how fast anything is."""

import contextlib
import os
import re
import signal
import subprocess
import sys

from course_logs import bench_results
from fuzz_tests import children
from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from harness import figure, kill, local, require, test, wait_until

BENCHMARK = os.path.join(local.ROOT, "tools", "benchmark")
RUN_LIMIT_S = 300.0
CALLS_OF = {"a": {"READ", "UPDATE"}, "b": {"READ", "UPDATE"}, "c": {"READ"},
            "d": {"READ", "INSERT"}, "e": {"SCAN", "INSERT"}, "f": {"READ", "UPDATE"}}
CALLS_EACH = 200
UNDER_WAY_SLOTS = 100


def benchmark(*words):
    """A started benchmark, its stderr joined to its stdout."""
    return subprocess.Popen([sys.executable, BENCHMARK, *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def log_of(name):
    """Text of the log the contract names."""
    with open(f"/tmp/madkv-p3/bench/{name}.log", encoding="utf-8") as file:
        return file.read()


@test
def test_benchmark_logs_what_scripts_parse(place):
    """Every workload; the log holds what stdout did; the service runs on."""
    with place.cluster(managers=1, partitions=2, rf=1) as cluster:
        for workload, calls in CALLS_OF.items():
            with benchmark("p3", "3", workload, "1", cluster.manager_addrs, str(CALLS_EACH)) as process:
                output, _ = process.communicate(timeout=RUN_LIMIT_S)
            require(process.returncode == EXIT_OK, f"it ended with {process.returncode}: {output}")
            require(log_of(f"bench-3-{workload}-1") == output, "the log is not what was said")
            require("PARTIAL" not in output and "ERRORS" not in output, output)
            results = bench_results(output)
            run = results["Run"]
            require(set(results["Load"]) == {"ms", "throughput", "INSERT"}
                    and results["Load"]["INSERT"]["ops"] == 1000, f"{results}")
            require(set(run) - {"ms", "throughput"} == calls, f"workload {workload}: {run}")
            made = sum(run[call]["ops"] for call in calls)
            require(made == 3 * CALLS_EACH or workload == "f" and run["READ"]["ops"] == 3 * CALLS_EACH,
                    f"workload {workload}: {run}")
            require(all(run[call]["min"] <= run[call]["avg"] <= run[call]["max"] for call in calls),
                    f"{run}")
            after = [line for line in output[output.index("[Run]"):].splitlines()]
            require(sum("Throughput" in line for line in after) == 1
                    and sum(line.endswith(" us") for line in after) == len(calls), f"{after}")
        cluster.wait_healthy()


@contextlib.contextmanager
def under_way(cluster, clients):
    """A long benchmark in the middle of its run; yields it and the ids of its clients."""
    with benchmark("p3", str(clients), "a", "3", cluster.manager_addrs, "1000000") as process:
        try:
            bench = wait_until("at madkv-bench", lambda: children(process.pid, "madkv-bench"))[0]
            wait_until("in its run", lambda: "[Load]" in log_of(f"bench-{clients}-a-3"))
            wait_until("at its clients", lambda: len(children(bench, "madkv-client")) == clients)
            begin = figure(cluster, "s0.0", "applier.applied_slot")
            wait_until("in full swing", lambda: figure(
                cluster, "s0.0", "applier.applied_slot") > begin + UNDER_WAY_SLOTS)
            yield process, children(bench, "madkv-client")
        finally:
            process.kill()


def require_gone(pids):
    """None of them runs any more."""
    wait_until("all gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


@test
def test_benchmark_keeps_partial_figures_of_a_dead_service(place):
    """Marked so, with one line that says why; no client stays behind."""
    with place.cluster(managers=1, rf=3) as cluster:
        with under_way(cluster, 2) as (process, clients):
            kill(cluster, *cluster.names)
            output, _ = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == EXIT_FAILED, f"it ended with {process.returncode}: {output}")
        require("PARTIAL: the phase ended early, with 2 calls unanswered" in output, output)
        require(output.count("results are partial") == 1, output)
        results = bench_results(output)
        require(results["Run"]["READ"]["ops"] > 0, output)
        require_gone(clients)
        for name in cluster.names:
            cluster.restart(name)
        cluster.wait_healthy()


@test
def test_benchmark_ends_when_a_client_does(place):
    """Whose calls nobody can count."""
    with place.cluster(managers=1, rf=3) as cluster:
        with under_way(cluster, 3) as (process, clients):
            os.kill(clients[1], signal.SIGKILL)
            output, _ = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == EXIT_FAILED, f"it ended with {process.returncode}: {output}")
        require(re.search("a client program ended; results are partial", output), output)
        require_gone(clients)


@test
def test_benchmark_leaves_no_client_behind(place):
    """Interrupted in the middle; the figures so far are said."""
    with place.cluster(managers=1, rf=3) as cluster:
        with under_way(cluster, 2) as (process, clients):
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == 128 + signal.SIGTERM, f"it ended with {process.returncode}")
        require(output.count("\n") < 12, output)
        require_gone(clients)


@test
def test_benchmark_refuses_wrong_parameters(place):
    """One line, exit status 2."""
    del place
    one = "127.0.0.1:1"
    for words, named in ((("p3",), "nclis is missing"), (("p3", "0", "a", "3", one), "nclis is '0'"),
                         (("p3", "1", "g", "3", one), "wload is 'g'"),
                         (("p3", "1", "a", "2", one), "server_rf is '2'"),
                         (("p3", "1", "a", "3", "here"), "managers is 'here'"),
                         (("p3", "1", "a", "3", one, "none"), "calls is 'none'"),
                         (("p3", "1", "a", "3", one, "1", "1"), "too many: '1'"),
                         (("p2", "1", "a", "0", one), "nservers is '0'"),
                         (("p1", "1", "a"), "server is missing"), (("p4",), "'p4'")):
        with benchmark(*words) as process:
            output, _ = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == EXIT_USAGE and named in output and output.count("\n") == 1,
                f"{words}: {process.returncode} {output!r}")
