"""Two builds side by side: `tools/measure regress A B`.

Both clusters are up all the time, each under its own build, and take turns: every round runs every point
once on A and once on B, and who is first changes from round to round, so that whatever the machine does
meanwhile strikes both alike. Each is driven by the madkv-bench of its own build, so that a change of the
protocol between client and server can be compared too, and counts.

What is said of a point is the ratio of the medians, B to A, and how far apart the rounds were.
"""

import os
import subprocess
import sys

import cluster as local
import measured
from story import say

POINTS = [(workload, clients) for workload in "acw" for clients in (1, 10, 100)]
FACTOR = 3
ROUNDS = 5
SECONDS = 2
REVISIONS = os.path.join(local.ROOT, ".build", "revisions")


def git(*words):
    """What git says, or None: it fails."""
    done = subprocess.run(["git", "-C", local.ROOT, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def build_of(name):
    """The build directory of a revision or a directory, built if it has to be."""
    for path in (name, os.path.join(local.ROOT, ".build", name)):
        if os.path.isdir(path):
            path = os.path.abspath(path)
            local.program_path("madkv-server", path)
            return path
    revision = git("rev-parse", "--verify", "--quiet", name + "^{commit}")
    if not revision:
        raise local.ClusterError(f"regress: '{name}' is neither a build directory nor a git revision")
    source = os.path.join(REVISIONS, revision[:12])
    if not os.path.isdir(source):
        unpack(revision, source)
    done = subprocess.run([os.path.join(source, "tools", "build"), "rel"], check=False)
    if done.returncode != 0:
        raise local.ClusterError(f"regress: {name} does not build")
    return os.path.join(source, ".build", "rel")


def unpack(revision, target):
    """The revision's files, in place at once or not at all."""
    partial = f"{target}.{os.getpid()}"
    os.makedirs(partial)
    with subprocess.Popen(["git", "-C", local.ROOT, "archive", revision],
                          stdout=subprocess.PIPE) as archive:
        unpacked = subprocess.run(["tar", "-x", "-C", partial], stdin=archive.stdout, check=False)
    if archive.returncode != 0 or unpacked.returncode != 0:
        raise local.ClusterError(f"regress: revision {revision} cannot be unpacked")
    os.rename(partial, target)


def regress(first, second, rounds=ROUNDS, seconds=SECONDS):
    """Compares; returns the exit status."""
    builds = [build_of(first), build_of(second)]
    taken = {(point, which): [] for point in POINTS for which in (0, 1)}
    with measured.Measured(rf=FACTOR, build=builds[0]) as cluster_a, \
            measured.Measured(rf=FACTOR, build=builds[1]) as cluster_b:
        clusters = (cluster_a, cluster_b)
        for number in range(rounds):
            for point in POINTS:
                for which in (0, 1) if number % 2 == 0 else (1, 0):
                    taken[point, which].append(clusters[which].bench(*point, seconds))
            if sys.stderr.isatty():
                print(f"\r\033[Kround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    say(f"A is {first}, B is {second}; rf {FACTOR}, medians of {rounds} rounds of {seconds} s; "
        "B/A above 1: B makes more operations a second, or takes longer for its slowest percent")
    say(f"{'workload':8} {'clients':>7} {'A ops/s':>9} {'B ops/s':>9} {'B/A':>6} {'rounds':>13} "
        f"{'A p99 ms':>8} {'B p99 ms':>8} {'B/A':>6} {'A CPU us':>8} {'B CPU us':>8}")
    for point in POINTS:
        say(line_of(point, taken[point, 0], taken[point, 1]))
    return 0


def middle(runs, name):
    """The median of a figure."""
    return measured.median([run[name] for run in runs])


def line_of(point, a_runs, b_runs):
    """One line of the comparison."""
    a_rate, b_rate = middle(a_runs, "tput"), middle(b_runs, "tput")
    a_p99, b_p99 = middle(a_runs, "p99_us"), middle(b_runs, "p99_us")
    ratios = sorted(b["tput"] / a["tput"] for a, b in zip(a_runs, b_runs))
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    return (f"{point[0].upper():8} {point[1]:>7} {a_rate:>9,.0f} {b_rate:>9,.0f} {b_rate / a_rate:>6.2f} "
            f"{spread:>13} {a_p99 / 1000:>8.2f} {b_p99 / 1000:>8.2f} {b_p99 / a_p99:>6.2f} "
            f"{middle(a_runs, 'cpu_us_per_op'):>8.1f} {middle(b_runs, 'cpu_us_per_op'):>8.1f}")
