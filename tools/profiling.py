"""Where the time goes: `tools/measure profile`.

A cluster of its own runs a workload while perf samples the stacks of all its servers. What comes out,
under .build/profile/: report.txt (perf's report of the hottest functions, and by thread), folded.txt (one
line for each stack, as flame graph tools read it), profile.svg where one of those tools is installed, and
stages.txt: the mean time that calls spent in each stage of the leader, from its STATUS.
"""

import collections
import os
import re
import shutil
import subprocess
import threading

import cluster as local
import measured
from story import say

SECONDS = 8            # of load
SAMPLE_SECONDS = 5     # of it, in the middle
SAMPLES_PER_S = 499
DIRECTORY = os.path.join(local.ROOT, ".build", "profile")
TOP_LINES = 25
STAGE = re.compile(r"(stage\.\w+|log\.commit|op\.\w+)_us_sum$")


def path_of(name):
    """A file of the profile."""
    return os.path.join(DIRECTORY, name)


def sample(pids):
    """perf's samples of these processes, into perf.data."""
    command = ["perf", "record", "--call-graph", "fp", "-F", str(SAMPLES_PER_S), "-o",
               path_of("perf.data"), "-p", ",".join(map(str, pids)), "--", "sleep",
               str(SAMPLE_SECONDS)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise local.ClusterError("profile: perf fails: " + done.stdout.strip().splitlines()[-1])


def perf_text(name, *words):
    """perf's answer about the samples, kept in a file as well."""
    done = subprocess.run(["perf", *words, "-i", path_of("perf.data")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
                          errors="replace")
    if name:
        with open(path_of(name), "w", encoding="utf-8") as file:
            file.write(done.stdout)
    return done.stdout


def fold(script):
    """{stack: samples} of what `perf script` prints: program and thread, then callers first."""
    stacks = collections.Counter()
    for sample_text in script.split("\n\n"):
        lines = sample_text.strip("\n").splitlines()
        if not lines:
            continue
        frames = []
        for line in lines[1:]:
            words = line.split(maxsplit=1)
            if len(words) == 2:
                symbol = words[1].rpartition(" (")[0] or words[1]
                frames.append(re.sub(r"\+0x[0-9a-f]+$", "", symbol).replace(";", ":"))
        thread = re.match(r"\s*(.+?)\s+\d+(/\d+)?\s", lines[0] + " ")
        frames.append(thread[1].replace(";", ":") if thread else "?")
        stacks[";".join(reversed(frames))] += 1
    return stacks


def draw():
    """An SVG of the folded stacks. Its path, or None: no tool is installed."""
    for tool in ("inferno-flamegraph", "flamegraph.pl"):
        if shutil.which(tool):
            with open(path_of("profile.svg"), "w", encoding="utf-8") as file:
                done = subprocess.run([tool, path_of("folded.txt")], stdout=file,
                                      stderr=subprocess.DEVNULL, check=False)
            return path_of("profile.svg") if done.returncode == 0 else None
    return None


def figures(cluster):
    """The leader's figures, by name."""
    leader = cluster.leader("s0")

    def find(status):
        return [replica["figures"] for group in status["groups"] for replica in group["replicas"]
                if replica["node"] == leader and replica["up"]]
    return cluster.wait_for("told the figures", find)[0]


def stages(before, after):
    """Lines: how often each stage was passed meanwhile, and the mean time it took."""
    lines = []
    for name in sorted(after):
        if not STAGE.match(name):
            continue
        stem = name.removesuffix("_us_sum")
        count = after[stem + "_us_count"] - before.get(stem + "_us_count", 0)
        if count > 0:
            mean = (after[name] - before.get(name, 0)) / count
            lines.append(f"{stem:16} {count:>9,} times {mean:>9,.0f} us each")
    return lines


def profile(workload="a", clients=10, factor=3):
    """Measures, writes and says; returns the exit status."""
    if not shutil.which("perf"):
        raise local.ClusterError("profile: perf is missing: install linux-perf (Debian) or "
                                 "linux-tools (Ubuntu)")
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    os.makedirs(DIRECTORY)
    with measured.Measured(rf=factor) as cluster:
        cluster.bench("c", 1, 1)  # loads the records
        before = figures(cluster)
        results = []
        load = threading.Thread(target=lambda: results.append(
            cluster.bench(workload, clients, SECONDS)))
        load.start()
        try:
            sample([cluster.pid(name) for name in cluster.servers])
        finally:
            load.join()
        table = stages(before, figures(cluster))
    if not results:
        raise local.ClusterError("profile: the load failed")
    with open(path_of("stages.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(table) + "\n")
    report = perf_text("report.txt", "report", "--stdio", "--no-children", "-g", "none", "--sort",
                       "comm,dso,symbol")
    folded = fold(perf_text(None, "script", "-F", "comm,tid,ip,sym,dso"))
    with open(path_of("folded.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{stack} {count}\n" for stack, count in sorted(folded.items()))
    say(f"workload {workload.upper()}, {clients} clients, rf {factor}: {results[0]['tput']:,.0f} a second, "
        f"{results[0]['cpu_us_per_op']:.0f} us of server CPU each; leader's stages:")
    say("\n".join("  " + line for line in table))
    say("hottest functions (all replicas, all threads):")
    hot = [line for line in report.splitlines() if line.strip() and not line.startswith("#")]
    say("\n".join("  " + re.sub(r"(\s+-)+\s*$", "", line).strip() for line in hot[:TOP_LINES]))
    svg = draw()
    say(f"in {os.path.relpath(DIRECTORY, local.ROOT)}/: report.txt, folded.txt, stages.txt"
        + (", profile.svg" if svg else "; no profile.svg: neither inferno-flamegraph nor flamegraph.pl "
           "is installed"))
    return 0
