"""tools/report from canned logs: what it makes of whole, broken and missing ones. No cluster runs here but
in the last two tests, which make runs for real."""

import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys

from fuzz_tests import children
from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE, Skip
from harness import local, require, test, wait_until

sys.path.insert(0, os.path.join(local.ROOT, "tools", "report"))
import runner   # pylint: disable=wrong-import-position
import spec     # pylint: disable=wrong-import-position

REPORT = os.path.join(local.ROOT, "tools", "report", "report")
sys.path.insert(0, os.path.dirname(REPORT))
import runner  # pylint: disable=wrong-import-position
from spec import Spec  # pylint: disable=wrong-import-position
LIMIT_S = 300.0
TYPES = {"a": "UPDATE READ", "b": "UPDATE READ", "c": "READ", "d": "INSERT READ", "e": "INSERT SCAN",
         "f": "UPDATE READ"}
HEADINGS = ["Design Walkthrough", "Self-provided Testcases", "Fuzz Testing", "YCSB Benchmarking",
            "Additional Discussion"]
OUTSIDE = "Outside: flushes 4000, commits 2000, server CPU 1.50 s, resident 120.0 MB\n"

BENCH = """YCSB-{wload} on 127.0.0.1:1: {nclis} clients, 5000 calls each, server_rf {rf}
Benchmarking results:  YCSB-{wload}  {nclis} clients
  [Load]  700 ms
    Throughput:  1428.57 ops/sec
    Latency:    INSERT  ops 1000  avg 700  min 100  max 9000  p99 2000  us
  [Run]  5000 ms
    Throughput:  {rate:.2f} ops/sec
"""


def write(place, name, text):
    """A log."""
    path = os.path.join(place.path("logs"), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def bench_text(nclis, wload, rf):
    """A whole bench log with figures that depend on its parameters."""
    rate = 1000 * nclis ** 0.7 / rf * (1 + "abcdef".index(wload))
    text = BENCH.format(nclis=nclis, wload=wload, rf=rf, rate=rate)
    for index, kind in enumerate(TYPES[wload].split()):
        text += (f"    {'' if index else 'Latency:':8}    {kind}  ops {5000 * nclis // 2}  "
                 f"avg {1000 * rf - 300 * index}  min 90  max 90000  p99 {4000 * rf - 900 * index}  us\n")
    return text + OUTSIDE


def can(place):
    """All logs of project 3."""
    for rf in (1, 3, 5):
        for wload in TYPES:
            write(place, f"bench/bench-10-{wload}-{rf}.log", bench_text(10, wload, rf))
        for nclis in (1, 5, 20, 30):
            write(place, f"bench/bench-{nclis}-a-{rf}.log", bench_text(nclis, "a", rf))
        for crashing in ("no", "yes"):
            write(place, f"fuzz/fuzz-{rf}-{crashing}.log",
                  "25000 of 25000 calls answered\n\033[1mFuzz testing result:\033[0m PASSED\n")
    for number in range(1, 5):
        write(place, f"tests/test{number}.log", "As promised. Everything stopped and removed.\n")


def command(place, *words, project="p3"):
    """The command line of a report."""
    return [sys.executable, REPORT, project, *words, "--logs", place.path("logs"), "--output",
            place.path("report")]


def report(place, *words, status=EXIT_OK, project="p3", **env):
    """(what was said, the report's text) of a report that ended with that status."""
    done = subprocess.run(command(place, *words, project=project), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False,
                          env={**os.environ, **env})
    require(done.returncode == status, f"it ended with {done.returncode}: {done.stdout}")
    with open(place.path(f"report/proj{project[1:]}.md"), encoding="utf-8") as file:
        return done.stdout, file.read()


@test
def test_report_of_all_logs_is_complete(place):
    """The course's headings in order, every figure in a table, every verdict, nothing missing."""
    can(place)
    said, text = report(place, "--no-plots")
    require("missing" not in said, said)
    require(re.findall("^## (.*)", text, re.M) == HEADINGS, f"{re.findall('^## .*', text, re.M)}")
    require(not re.search("^@|missing:|–", text, re.M), text)
    sections = re.split("^## .*\n", text, flags=re.M)[1:]
    require(all(len(section.split()) > 100 for section in sections),
            f"words: {[len(section.split()) for section in sections]}")
    # Workload b, rf 3: 1000 * 10 ** 0.7 / 3 * 2; the mean of 3000 and 2700 us; the worse p99.
    require("| b | " in text and "| 3,341 | 2.85 | 12.0 |" in text, text)
    require(text.count("| PASSED |") == 5 + 4, text)
    require("| 3, b | 4,000 | 2,000 | 2.00 | 1.5 | 120 |" in text, text)


@test
def test_report_names_what_is_missing(place):
    """With the recipe that makes it, and why a log that is there is none."""
    can(place)
    os.remove(place.path("logs/fuzz/fuzz-5-no.log"))
    write(place, "bench/bench-10-a-3.log", bench_text(10, "a", 3).partition("[Run]")[0])
    write(place, "bench/bench-10-c-3.log", bench_text(10, "c", 3) + "    PARTIAL: the phase ended early\n")
    write(place, "bench/bench-30-a-5.log", bench_text(30, "a", 5).replace("5000 calls", "200 calls"))
    write(place, "bench/bench-10-b-1.log", bench_text(10, "b", 1).replace("  us\n", "\n"))
    write(place, "fuzz/fuzz-3-no.log", "Fuzz testing\n")
    write(place, "fuzz/fuzz-3-yes.log", "Fuzz testing result: UNFAIR\n")
    said, text = report(place, "--no-plots", status=EXIT_FAILED)
    for recipe, why in (("just p3::fuzz 5 no MANAGERS", "there is no log"),
                        ("just p3::fuzz 3 no MANAGERS", "it does not go to the end"),
                        ("just p3::bench 10 a 3 MANAGERS", "it does not go to the end"),
                        ("just p3::bench 10 c 3 MANAGERS", "ended early or calls failed"),
                        ("just p3::bench 10 b 1 MANAGERS", "it holds no operation"),
                        ("just p3::bench 30 a 5 MANAGERS", "200 calls each are too few")):
        require(re.search(re.escape(recipe) + ".*" + why, said), f"{recipe} is not in {said}")
        require(f"`{recipe}`" in text, f"{recipe} is not in the report")
    require("6 of 35 runs are missing" in said and "just p3::report-all makes them all" in said, said)
    require("| 3 | yes | UNFAIR |" in text, text)


@test
def test_report_of_nothing_is_a_report(place):
    """All is missing; the texts are there."""
    said, text = report(place, status=EXIT_FAILED)
    require("35 of 35 runs are missing" in said and re.findall("^## (.*)", text, re.M) == HEADINGS, said)
    require("No picture" in text and "Nothing was counted" in text, text)


@test
def test_report_draws_pictures(place):
    """Of the size asked for, and not of one colour."""
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed (tools/deps report)")
    can(place)
    _, text = report(place)
    names = re.findall(r"!\[.*\]\((.*)\)", text)
    require(len(names) == 2, text)
    for name in names:
        with open(place.path(f"report/{name}"), "rb") as file:
            data = file.read()
        require(data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">2I", data[16:24]) == (1260, 400),
                f"{name} begins with {data[:24]!r}")
        require(len(data) > 10000, f"{name} has {len(data)} bytes")


@test
def test_report_draws_what_there_is(place):
    """A series without runs is left out, a place without one is a gap."""
    if not shutil.which("gnuplot"):
        raise Skip("gnuplot is not installed (tools/deps report)")
    write(place, "bench/bench-10-c-3.log", bench_text(10, "c", 3))
    write(place, "bench/bench-30-a-5.log", bench_text(30, "a", 5))
    _, text = report(place, status=EXIT_FAILED)
    require(len(re.findall(r"!\[", text)) == 2, text)


@test
def test_report_says_in_one_line_that_there_is_no_gnuplot(place):
    """And is complete without."""
    can(place)
    bare = place.path("bin")
    os.mkdir(bare)
    for tool in ("df", "setpriv"):
        os.symlink(shutil.which(tool), os.path.join(bare, tool))
    said, text = report(place, PATH=bare)
    require(said.count("gnuplot") == 1 and "tools/deps report" in said, said)
    require("gnuplot is not installed" in text and "| b | " in text, text)


def can_all(place, project):
    """All logs that a project's specification asks for, and how many they are."""
    runs = Spec(project).runs
    for run in runs:
        text = {"fuzz": "Fuzz testing result: PASSED\n", "testcase": "Testcase 1: PASSED\n"}.get(run.kind)
        if run.kind == "bench":
            nclis, wload, *count = run.words
            text = bench_text(int(nclis), wload, int(count[0]) if count else 1)
        write(place, run.log_name, text)
    return len(runs)


@test
def test_reports_of_the_other_projects(place):
    """Of nothing, and of all logs; the runs that each project's text lists."""
    for project, count, recipes, heading in (
            ("p1", 32, ("just p1::testcase 5 SERVER", "just p1::fuzz 3 yes SERVER",
                        "just p1::bench 1 f SERVER", "just p1::bench 85 e SERVER"),
             "Self-provided Testcases"),
            ("p2", 28, ("just p2::testcase 1", "just p2::fuzz 5 yes MANAGER",
                        "just p2::bench 10 f 3 MANAGER", "just p2::bench 30 a 5 MANAGER"),
             "Self-provided Testcase")):
        shutil.rmtree(place.path("logs"), ignore_errors=True)
        said, text = report(place, "--no-plots", project=project, status=EXIT_FAILED)
        require(f"{count} of {count} runs are missing" in said, said)
        for recipe in recipes:
            require(recipe + " " in said and f"`{recipe}`" in text, f"{recipe} is not in {said}")
        require(can_all(place, project) == count, f"{project} has other runs")
        said, text = report(place, "--no-plots", project=project)
        require(re.findall("^## (.*)", text, re.M) == [HEADINGS[0], heading, *HEADINGS[2:]], text)
        require("missing" not in said and not re.search("^@|missing:|–", text, re.M), text)
        sections = re.split("^## .*\n", text, flags=re.M)[1:]
        require(all(len(section.split()) > 80 for section in sections),
                f"words: {[len(section.split()) for section in sections]}")


@test
def test_crashes_of_servers_without_replicas_are_in_turn(place):
    """One of three, and the next one after it; what was written is there afterwards."""
    del place
    run = next(run for run in Spec("p2").runs if run.words == ("3", "yes"))
    with runner.partitioned(run) as (address, cluster), local.Client(address) as client:
        pids = {name: cluster.pid(name) for name in cluster.servers}
        with runner.Crashes(cluster) as crashes:
            wait_until("killed all", lambda: crashes.count >= len(pids))
        for number in range(20):
            require(client.call(f"PUT k{number} v") == [f"PUT k{number} not_found"], "it was there")
        require(all(cluster.pid(name) != pid for name, pid in pids.items()), "one was never killed")
        cluster.wait_healthy()


@test
def test_report_refuses_wrong_parameters(place):
    """One line, exit status 2."""
    del place
    for words, named in ((["p9"], "'p9'"), (["p3", "some"], "'some'"), (["p3", "--fast"], "--fast"),
                         ([], "project")):
        done = subprocess.run([sys.executable, REPORT, *words], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S)
        said = done.stdout.decode()
        require(done.returncode == EXIT_USAGE and said.count("\n") == 1 and named in said,
                f"{words}: {done.returncode} {said!r}")


@test
def test_report_offers_the_runs_on_a_terminal(place):
    """Whoever says no gets the report of what there is."""
    can(place)
    os.remove(place.path("logs/fuzz/fuzz-5-no.log"))
    ours, theirs = pty.openpty()
    with subprocess.Popen(command(place), stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            require(select.select([ours], [], [], LIMIT_S)[0], f"no question: {said}")
            said += os.read(ours, 4096)
        os.write(ours, b"n\n")
        require(process.wait(LIMIT_S) == EXIT_FAILED, f"it ended with {process.returncode}")
    os.close(ours)
    require(b"1 of 35 runs are missing" in said and b"about 0 min" in said, f"{said}")
    require(os.path.isfile(place.path("report/proj3.md")), "no report")


@test
def test_report_makes_runs_for_real(place):
    """A benchmark of each project, on a service of its own; flushes are counted where there is a disk."""
    group = {"kind": "bench", "calls": 60, "seconds": 1}
    for project, service, words in (("p1", "single", {"nclis": ["2"], "wload": ["c"]}),
                                    ("p2", "partitioned", {"nclis": ["2"], "wload": ["b"],
                                                           "nservers": ["2"]}),
                                    ("p3", "replicated", {"nclis": ["2"], "wload": ["a"],
                                                          "server_rf": ["3"]})):
        run = spec.Run(project, {**group, "words": words}, [value[0] for value in words.values()])
        directory = f"/tmp/madkv-{project}"
        require(runner.make(run, service, directory), f"{run.recipe} made no log")
        result = run.read(directory)
        require(result["calls_each"] == 60 and sum(
            kind["ops"] for kind in result["types"].values()) == 120, f"{result}")
        outside = result["outside"]
        if project != "p1" and runner.measured.flush_library():
            require(outside["commits"] > 0 and outside["flushes"] >= 1.9 * outside["commits"], f"{result}")
    del place


@test
def test_crashes_of_a_fuzzed_service_are_mended(place):
    """Whoever dies comes back, and a majority is always there."""
    with place.cluster(managers=1, rf=5) as cluster:
        with runner.Crashes(cluster) as crashes:
            wait_until("twice crashed", lambda: crashes.count >= 4)
        cluster.wait_healthy()
        require(all(cluster.is_running(name) for name in cluster.names), "somebody stayed dead")


@test
def test_report_all_stops_and_leaves_nothing_behind(place):
    """Interrupted in the middle of a run; what is said names the run and the time that is left."""
    started = subprocess.Popen(command(place, "all"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={
                                   **os.environ, "MADKV_TEST_MARK": place.directory})
    with started as process:
        line = next(line for line in process.stdout if line.startswith("run 1 of 35"))
        require("min left: just p3::testcase 1" in line, line)
        demo = wait_until("at the demonstration", lambda: children(process.pid, "python3") or [
            pid for pid in children(process.pid, os.path.basename(os.path.realpath(sys.executable)))])
        wait_until("at its servers", lambda: children(demo[0], "madkv-server"))
        servers = children(demo[0], "madkv-server")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT_S)
    require(process.returncode == 128 + signal.SIGINT, f"ended with {process.returncode}: {output}")
    wait_until("all gone", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in servers))
