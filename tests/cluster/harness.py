"""What the cluster tests have in common: a registry, a directory per test, clusters that are judged
when they end, and programs run to their end.

A test is a function `test_<behaviour>(place)` marked with @test. `place` is its Place: a directory
of its own, which goes when the test passes and stays, with all data, logs and histories, when it
fails. Nothing here sleeps in the hope that something is ready by then: what waits polls STATUS or
counts answered calls, against a deadline. `hold` is the exception, for the few sentences of the
contract that are about a stretch of time ("no byte for ten seconds").
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True  # nothing of a run stays in the tree
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import cluster as local  # pylint: disable=wrong-import-position

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_IDENTITY = 3
EXIT_ADDRESS = 4
EXIT_STORAGE = 6
EXIT_TOPOLOGY = 7

END_TIMEOUT_S = 30.0    # for a program that has to end by itself
WAIT_TIMEOUT_S = 60.0   # for anything a cluster has to do

# What a sanitizer or an assertion writes into a log before it ends a process.
BAD_WORDS = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|: bug:|did not end in")
SANITIZER_ENV = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                 "TSAN_OPTIONS": "halt_on_error=0:suppressions="
                                 + os.path.join(local.ROOT, "tests", "tsan.supp")}


class Failure(Exception):
    """Something was not as promised."""


class Skip(Exception):
    """The test cannot be run here; the text says why."""


TESTS = []


def test(function):
    """Registers a test, in the order of the file."""
    TESTS.append(function)
    return function


def require(condition, text):
    """Like assert, but it stays on and says what was wrong."""
    if not condition:
        raise Failure(text)


def say(text):
    """A line of the test's report."""
    print(f"    {text}", flush=True)


def hold(seconds):
    """Lets a stretch of time pass that the tested sentence itself names. Never to synchronise."""
    threading.Event().wait(seconds)


def wait_until(what, condition, timeout_s=WAIT_TIMEOUT_S):
    """Polls until `condition()` is true, and returns its value."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        require(time.monotonic() < deadline, f"not {what} within {timeout_s:g} s")
        time.sleep(local.POLL_INTERVAL_S)
    return value


# -- programs that end by themselves

class Ended:
    """How a program ended and what it said."""

    def __init__(self, command, status, stdout, stderr):
        self.command = command
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def refused(self, status, *words):
        """Requires that exit status, and exactly one line on stderr that holds each of `words`."""
        said = f"{os.path.basename(self.command[0])} {' '.join(self.command[1:])}\n" \
               f"  ended with {local.describe_status(self.status)} and said: {self.stderr!r}"
        require(self.status == status, f"expected exit status {status} of {said}")
        require(self.stderr.endswith("\n") and self.stderr.count("\n") == 1,
                f"expected one line on stderr of {said}")
        require(self.stdout == "", f"expected nothing on stdout ({self.stdout!r}) of {said}")
        for word in words:
            require(word in self.stderr, f"expected {word!r} in the line of {said}")
        return self


def run(name, flags, timeout_s=END_TIMEOUT_S, stdin=""):
    """Runs program `name` to its end."""
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path(name), *flags]
    try:
        done = subprocess.run(command, input=stdin.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout_s, check=False,
                              env={**os.environ, **SANITIZER_ENV})
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{name} {' '.join(flags)} did not end within {timeout_s:g} s; it said: "
                      f"{(error.stderr or b'').decode(errors='replace')!r}") from error
    return Ended(command[4:], done.returncode, done.stdout.decode(errors="replace"),
                 done.stderr.decode(errors="replace"))


def changed(flags, **changes):
    """The list of flags with the values of some replaced; None takes the flag out."""
    flags = list(flags)
    for name, value in changes.items():
        at = flags.index("--" + name) if "--" + name in flags else None
        if at is not None:
            del flags[at:at + 2]
        if value is not None:
            flags += ["--" + name, str(value)]
    return flags


# -- clusters

class Place:
    """The directory of one test, and what runs in it."""

    def __init__(self, name):
        self.directory = tempfile.mkdtemp(prefix=f"madkv-{name[5:45]}-")
        self._count = 0

    def path(self, name):
        """A path in it."""
        return os.path.join(self.directory, name)

    def remove(self):
        """Takes it away, with everything in it."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @contextlib.contextmanager
    def cluster(self, managers=3, partitions=1, rf=3, **options):
        """A running cluster. It has to end well: no node ended by itself, every log is clean, and
        SIGTERM ends each node that still runs with exit status 0."""
        self._count += 1
        env = {**SANITIZER_ENV, **options.pop("env", {})}
        cluster = local.Cluster(managers, partitions, rf, env=env,
                                directory=self.path(f"cluster{self._count}"), **options)
        cluster.start()
        logs = os.path.join(cluster.directory, "logs")
        try:
            yield cluster
            cluster.check()
        except BaseException:
            cluster.stop(graceful=False)
            raise
        statuses = cluster.stop(graceful=True)
        bad = {name: status for name, status in statuses.items() if status != EXIT_OK}
        require(not bad, f"SIGTERM ended nodes with statuses {bad}")
        check_logs(logs)


def check_logs(directory):
    """Requires that no log tells of a bug."""
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as log:
            for line in log:
                require(not BAD_WORDS.search(line), f"{name}: {line.strip()}")


def replicas(status, group):
    """The replicas of a group in a STATUS picture."""
    return next(entry["replicas"] for entry in status["groups"] if entry["group"] == group)


def followers(cluster, group):
    """Names of the replicas of `group` that STATUS calls followers, by the processes we started."""
    leader = cluster.leader(group)

    def find(status):
        found = [replica["node"] for replica in replicas(status, group)
                 if replica["up"] and replica["role"] == "follower"
                 and replica["pid"] == cluster.pid(replica["node"])]
        return found if leader not in found and len(found) > 0 else None
    return cluster.wait_for(f"seen with followers ({group})", find, WAIT_TIMEOUT_S)


def kill(cluster, *names):
    """SIGKILLs nodes that run, and makes sure that this is what ended them."""
    for name in names:
        require(cluster.is_running(name), f"{name} does not run, so it cannot be killed")
    for name in names:
        cluster.kill(name)
    for name in names:
        require(cluster.exit_status(name) == -9, f"{name} ended with {cluster.exit_status(name)}")
    return time.monotonic_ns()


def wait_level(cluster, group):
    """Waits until every replica of `group` is up and has applied the same slots; returns which."""
    def find(status):
        applied = {replica["applied_slot"] for replica in replicas(status, group)
                   if replica["up"]}
        complete = all(replica["up"] for replica in replicas(status, group))
        return applied.pop() if complete and len(applied) == 1 else None
    return cluster.wait_for(f"level ({group})", find, WAIT_TIMEOUT_S)


def figure(cluster, name, figure_name):
    """One figure of a node's STATUS."""
    def find(status):
        for entry in status["groups"]:
            for replica in entry["replicas"]:
                if replica["node"] == name and replica["up"]:
                    return [replica["figures"].get(figure_name, 0)]
        return None
    return cluster.wait_for(f"told {figure_name} by {name}", find, WAIT_TIMEOUT_S)[0]
