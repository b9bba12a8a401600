"""The measuring tools: that they measure what they say. Never how fast anything is."""

import os
import signal
import subprocess
import sys

from fuzz_tests import children
from harness import EXIT_OK, EXIT_USAGE, SANITIZER_ENV, Skip
from harness import local, require, test, wait_until

import measured    # tools/, which harness puts on the path
import profiling

MEASURE = os.path.join(local.ROOT, "tools", "measure")
LIMIT_S = 300.0

FLUSH = """
import os, mmap
path = os.environ["FLUSHED"]
plain = os.open(path, os.O_RDWR | os.O_CREAT)
durable = os.open(path, os.O_RDWR | os.O_DSYNC)
for _ in range(3): os.write(plain, b"x")
for _ in range(5): os.fdatasync(plain)
for _ in range(7): os.fsync(plain)
for _ in range(11): os.write(durable, b"x")
for _ in range(13): os.pwrite(durable, b"x", 4)
os.pwritev(plain, [b"x"], 0, os.RWF_DSYNC)
os.pwritev(plain, [b"x"], 0, 0)
os.ftruncate(plain, 4096)
mapped = mmap.mmap(plain, 4096)
for _ in range(2): mapped.flush()
for _ in range(4):
    try: os.fdatasync(99)
    except OSError: pass
os.kill(os.getpid(), 9)
"""


def measure(*words):
    """A started tool, its stderr joined to its stdout."""
    return subprocess.Popen([sys.executable, MEASURE, *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def library():
    """What counts flushes."""
    path = measured.flush_library()
    if path is None:
        raise Skip("this build is sanitized, and so without the library that counts")
    return path


@test
def test_flushes_are_counted_exactly(place):
    """Each kind by itself, of a process that is killed in the end; nothing that failed."""
    with subprocess.Popen([sys.executable, "-c", FLUSH], env={
            **os.environ, "LD_PRELOAD": library(), "MADKV_FLUSH_DIR": place.directory,
            "FLUSHED": place.path("flushed")}) as process:
        status = process.wait(LIMIT_S)
    require(status == -signal.SIGKILL, f"it ended with {status}")
    with open(place.path(str(process.pid)), "rb") as file:
        counts = measured.COUNTS.unpack(file.read())
    require(counts == (5, 7, 2, 11 + 13 + 1), f"fdatasync, fsync, msync, durable writes: {counts}")


@test
def test_a_measured_run_asks_the_disk_for_every_commit(place):
    """Two flushes a commit; none for reads."""
    del place
    library()
    with measured.Measured(rf=3, env=SANITIZER_ENV) as cluster:
        writes = cluster.bench("w", 4, 1)
        reads = cluster.bench("c", 4, 1)
    require(writes["ops"] > 0 and writes["commits_per_s"] > 0, f"{writes}")
    require(1.9 <= writes["flushes_per_commit"] <= 2.2, f"{writes['flushes_per_commit']} a commit")
    require(reads["ops"] > 0 and reads["flushes_per_s"] * reads["seconds"] < 50, f"{reads}")
    require(writes["cpu_us_per_op"] > 0 and writes["rss_bytes"] > 2**20, f"{writes}")


@test
def test_limits_are_measured_and_leave_nothing(place):
    """Every one of them, and the directory is as it was."""
    done = subprocess.run([local.program_path("madkv-limits"), place.directory], check=False,
                          stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    require(done.returncode == EXIT_OK, f"it ended with {done.returncode}")
    lines = done.stdout.splitlines()
    require(len(lines) == len(measured.LIMITS) and all(int(line.split()[-2]) > 0 for line in lines),
            done.stdout)
    require(os.listdir(place.directory) == [], f"left {os.listdir(place.directory)}")


@test
def test_protocols_are_compared_in_every_cell(place):
    """A figure in each, and whoever sends least for a write sends far less than the busiest."""
    del place
    library()
    with measure("protocols", "1") as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    require(process.returncode == EXIT_OK, f"it ended with {process.returncode}: {output}")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in output.splitlines()
            if line.startswith(("| multipaxos", "| chain"))]
    require(len(rows) == 3 * 4 + 2 and all(len(row) == 5 for row in rows[:-2]), output)
    require(all(cell[0].isdigit() and not cell.startswith("0 ") for row in rows for cell in row[1:]), output)
    for row in rows[8:12]:
        for cell in row[1:]:
            sent = [int(word.replace(",", "")) for word in cell.split(", ")]
            require(len(sent) == int(row[0][-1]) and sent[0] > 2 * sent[-1] > 0, f"{row}")


@test
def test_regress_compares_a_build_with_itself(place):
    """A line for each point, and a ratio."""
    del place
    library()
    build = os.environ["MADKV_BUILD"]
    with measure("regress", build, build, "1", "1") as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    require(process.returncode == EXIT_OK, f"it ended with {process.returncode}: {output}")
    points = [line.split() for line in output.splitlines()[2:]]
    require(len(points) == 9 and all(float(words[4]) > 0 for words in points), output)


@test
def test_measuring_leaves_nothing_behind(place):
    """Interrupted in the middle."""
    del place
    with measure("quick") as process:
        wait_until("measuring", lambda: children(process.pid, "madkv-bench"))
        running = children(process.pid, "madkv-server")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT_S)
    require(process.returncode == 128 + signal.SIGINT, f"ended with {process.returncode}: {output}")
    require(running and not any(os.path.exists(f"/proc/{pid}") for pid in running),
            f"servers {running} run on")


@test
def test_measure_refuses_wrong_parameters(place):
    """One line, exit status 2."""
    del place
    for words, named in (((), "''"), (("fast",), "'fast'"), (("quick", "x"), "too many: 'x'"),
                         (("table", "0"), "seconds is '0'"),
                         (("protocols", "x"), "seconds is 'x'"), (("protocols", "1", "2"), "too many: '2'"), (("regress", "rel"), "build B is missing"),
                         (("profile", "g"), "wload is 'g'"), (("profile", "a", "10", "2"), "rf is '2'")):
        with measure(*words) as process:
            output, _ = process.communicate(timeout=LIMIT_S)
        require(process.returncode == EXIT_USAGE and named in output and output.count("\n") == 1,
                f"{words}: {process.returncode} {output!r}")
    with measure("regress", "no-such-thing", "rel") as process:
        output, _ = process.communicate(timeout=LIMIT_S)
    require(process.returncode == 1 and output.count("\n") == 1 and "no-such-thing" in output, output)


@test
def test_stacks_are_folded_caller_first(place):
    """By thread; the same stack is one line with a count."""
    del place
    script = ("api 123 \n\t    ffff81 inner+0x3 ([kernel.kallsyms])\n\t    5581 outer (/x/madkv-server)\n\n"
              "ZMQbg/IO/0 7/8 \n\t    7f01 [unknown] (/lib/libzmq.so.5)\n\n") * 2
    folded = profiling.fold(script)
    require(folded == {"api;outer;inner": 2, "ZMQbg/IO/0;[unknown]": 2}, f"{folded}")
