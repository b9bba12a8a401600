"""madkv-bench against real clusters: that it does what it says and counts what happened. Never how
fast anything is: these machines are shared.
"""

import contextlib
import json
import os
import subprocess

from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE, SANITIZER_ENV
from harness import kill, local, replicas, require, run, test

BENCH = "madkv-bench"
NOBODY = "127.0.0.1:1"
RUN_LIMIT_S = 120.0
UNDER_WAY_SLOTS = 200  # applied since the start: it is in the middle of its work


def bench_flags(addresses, *more):
    """Flags of a short run."""
    return ["--manager_addrs", addresses, "--clients", "4", "--records", "100", *more]


def figures(ended, status=EXIT_OK):
    """The JSON of a run that ended with that status."""
    require(ended.status == status, f"ended with {ended.status}, said {ended.stderr!r}")
    lines = ended.stdout.splitlines()
    require(len(lines) == 1, f"--json printed {ended.stdout!r}")
    return json.loads(lines[0])


def check_sums(result):
    """The whole must be the sum of its parts."""
    parts = result["by_op"].values()
    for name in ("ops", "errors", "missing"):
        require(result[name] == sum(part[name] for part in parts), f"{name} do not add up: {result}")
    require(result["max_us"] == max(part["max_us"] for part in parts), f"max: {result}")
    for part in parts:
        order = [part[name] for name in ("min_us", "p50_us", "p99_us", "p999_us", "max_us")]
        require(order == sorted(order), f"percentiles out of order: {part}")


@test
def test_bench_refuses_bad_flags_with_one_line(place):
    """And bad property files."""
    path = place.path("properties")
    with open(path, "w", encoding="ascii") as file:
        file.write("requestdistribution=zipfian\nreadproportion=most\n")
    to_nobody = ["--manager_addrs", NOBODY]
    for flags, *words in [
            ([], "--workload", "nothing"),
            (["--workload", "a"], "--manager_addrs", "nothing"),
            ([*to_nobody, "--workload", "g"], "--workload", "g", "a b c d e f w"),
            ([*to_nobody, "--workload", place.path("none")], "--workload", "No such file"),
            ([*to_nobody, "--workload", path], "readproportion", "'most'"),
            ([*to_nobody, "--workload", "a", "--clients", "0"], "--clients", "'0'"),
            ([*to_nobody, "--workload", "a", "--threads", "2"], "--threads", "at most 1"),
            ([*to_nobody, "--workload", "a", "--load", "--no_load"], "--load"),
            ([*to_nobody, "--workload", "a", "--rate", "fast"], "--rate", "'fast'"),
            ([*to_nobody, "--workload", "a", "--seconds", "0"], "--seconds", "'0'", "0.001"),
            ([*to_nobody, "--workload", "a", "--seconds", "long"], "--seconds", "'long'", "a number"),
            ([*to_nobody, "--workload", "a", "--server_addrs", NOBODY], "--server_addrs"),
            ([*to_nobody, "--workload", "a", "--through", "cat"], "another of the three"),
            (["--through", "cat", "--workload", "a", "--pipeline", "2"], "--pipeline", "one call"),
            (["--through", " ", "--workload", "a"], "--through", "a program"),
            (["--through", "a " * 40, "--workload", "a"], "--through", "at most 32 words"),
            (["--through", "cat", "--workload", "a", "--through_log", "/"], "--through_log"),
            ([*to_nobody, "--workload", "a", "--through_log", "x"], "--through_log", "--through"),
            ([*to_nobody, "--workload", "a", "--json", "--phases"], "--json", "--phases"),
            (["--manager_addrs", "nowhere", "--workload", "a"], "--manager_addrs", "nowhere")]:
        run(BENCH, flags).refused(EXIT_USAGE, BENCH, *words)


@test
def test_bench_says_that_nobody_answers(place):
    """After a while, and fails."""
    del place
    ended = run(BENCH, ["--manager_addrs", NOBODY, "--workload", "c"])
    require(ended.status == EXIT_FAILED, f"ended with {ended.status}")
    require(ended.stderr.count("\n") == 1 and "the managers: no replica answers" in ended.stderr,
            f"said {ended.stderr!r}")


@test
def test_bench_runs_every_workload(place):
    """Without an error, and every read finds its record."""
    expected = {"a": {"READ", "UPDATE"}, "b": {"READ", "UPDATE"}, "c": {"READ"},
                "d": {"READ", "INSERT"}, "e": {"SCAN", "INSERT"},
                "f": {"READ", "READ-MODIFY-WRITE"}, "w": {"UPDATE"}}
    with place.cluster(partitions=2) as cluster:
        for index, (letter, kinds) in enumerate(expected.items()):
            more = ["--pipeline", "4"] if letter in "bd" else []
            more += ["--threads", "3"] if letter in "cd" else []
            more += ["--no_load"] if index > 0 else []
            result = figures(run(BENCH, bench_flags(
                cluster.manager_addrs, "--workload", letter, "--ops", "500", "--json", *more),
                timeout_s=RUN_LIMIT_S))
            check_sums(result)
            require(set(result["by_op"]) == kinds, f"workload {letter}: {result}")
            require(result["ops"] == 500 and result["errors"] == result["missing"] == 0
                    and not result["partial"], f"workload {letter}: {result}")


@test
def test_bench_loads_what_ycsb_loads(place):
    """The records are there afterwards under YCSB's keys, with values of the size asked for."""
    with place.cluster(managers=1, rf=1) as cluster:
        ended = run(BENCH, bench_flags(cluster.manager_addrs, "--workload", "c", "--ops", "1",
                                       "--value_size", "77"), timeout_s=RUN_LIMIT_S)
        require(ended.status == EXIT_OK and ended.stdout.startswith("Loaded 100 records in "),
                f"{ended.status} {ended.stdout!r} {ended.stderr!r}")
        answer = cluster.client().call("SCAN ! ~")
        require(len(answer) == 102, f"{len(answer)} lines")
        words = {line.split()[0]: line.split()[1] for line in answer[1:-1]}
        require("user6284781860667377211" in words, f"record 0 is not among {list(words)[:3]}")
        require({len(value) for value in words.values()} == {77}, "values of another size")


@test
def test_bench_open_loop_keeps_its_rate(place):
    """As many operations as the rate makes of the time, each counted once."""
    with place.cluster(managers=1, rf=1) as cluster:
        result = figures(run(BENCH, bench_flags(
            cluster.manager_addrs, "--workload", "b", "--rate", "100", "--seconds", "2.5", "--json",
            "--histogram", place.path("histogram")), timeout_s=RUN_LIMIT_S))
        check_sums(result)
        require(result["ops"] + result["unstarted"] == 250, f"{result}")
        with open(place.path("histogram"), encoding="ascii") as file:
            counts = [int(line.split()[2]) for line in file if not line.startswith("#")]
        require(sum(counts) == result["ops"], f"the histogram holds {sum(counts)}")


@contextlib.contextmanager
def running_bench(cluster, *more):
    """A run that is under way: a good many of its writes are applied."""
    def applied(status):
        return max(replica["applied_slot"] for replica in replicas(status, "s0"))
    before = cluster.wait_for("told the slot", lambda status: [applied(status)])[0]
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path(BENCH),
               *bench_flags(cluster.manager_addrs, "--workload", "a", "--json", *more)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, **SANITIZER_ENV}) as process:
        try:
            cluster.wait_for("busy", lambda status: applied(status) > before + UNDER_WAY_SLOTS)
            yield process
        finally:
            process.kill()


@test
def test_bench_outlives_a_failover(place):
    """Its calls are sent again, none is lost."""
    with place.cluster() as cluster:
        with running_bench(cluster, "--seconds", "8") as process:
            kill(cluster, cluster.leader("s0"))
            stdout, stderr = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == EXIT_OK, f"ended with {process.returncode}: {stderr!r}")
        result = json.loads(stdout)
        require(result["errors"] == 0 and not result["partial"], f"{result}")
        require(result["retries"] > 0, f"nothing was sent again: {result}")


@test
def test_bench_keeps_partial_results_of_a_dead_service(place):
    """Marked so, with one line that says why."""
    with place.cluster() as cluster:
        with running_bench(cluster, "--seconds", "60") as process:
            kill(cluster, *cluster.names)
            stdout, stderr = process.communicate(timeout=RUN_LIMIT_S)
        require(process.returncode == EXIT_FAILED, f"ended with {process.returncode}")
        result = json.loads(stdout)
        require(result["partial"] and result["ops"] > 0 and result["unanswered"] > 0, f"{result}")
        require(stderr.count("\n") == 1 and "results are partial" in stderr, f"said {stderr!r}")
        for name in cluster.names:
            cluster.restart(name)
        cluster.wait_healthy()
