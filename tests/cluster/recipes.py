"""Recipes as a stranger runs them: through `just`, from the root of the tree, and watched.

Every process that a recipe starts inherits a mark in its environment, so that whatever is left of it
is found, however it was started and whoever adopted it.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import time
import uuid

from harness import END_TIMEOUT_S, Ended, local, require, wait_until

MARK = "MADKV_TEST_MARK"
EXAMPLE = "; for example: just "
LISTEN_TIMEOUT_S = 60.0   # a tree that has to be built first is built by the one who runs the tests


def just():
    """Path of the program."""
    path = shutil.which("just") or os.path.expanduser("~/.local/bin/just")
    require(os.access(path, os.X_OK), "just is not on PATH: run tools/deps")
    return path


def environment(mark, **more):
    """The environment of a recipe."""
    return {**os.environ, MARK: mark, **more}


def run(recipe, *words, timeout_s=END_TIMEOUT_S, stdin="", **env):
    """Runs a recipe to its end."""
    command = [just(), recipe, *words]
    done = subprocess.run(command, cwd=local.ROOT, input=stdin.encode(), timeout=timeout_s,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env={**os.environ, **env})
    return Ended(command, done.returncode, done.stdout.decode(errors="replace"),
                 done.stderr.decode(errors="replace"))


class Recipes:
    """Components that recipes run in the foreground; all are ended with it.

        with Recipes(place) as recipes:
            server = recipes.start("p1::server", address)
    """

    def __init__(self, place):
        self.place = place
        self.mark = uuid.uuid4().hex
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.wait()

    def start(self, recipe, *words, **env):
        """Starts a component, in a process group of its own."""
        log = self.place.path(f"{len(self.started)}-{recipe.replace(':', '')}.log")
        with open(log, "ab") as file:
            process = subprocess.Popen([just(), recipe, *words], cwd=local.ROOT, stdout=file,
                                       stderr=file, stdin=subprocess.DEVNULL,
                                       start_new_session=True, env=environment(self.mark, **env))
        process.log = log
        self.started.append(process)
        return process

    def listening(self, *processes):
        """Waits until each says that it listens."""
        for process in processes:
            wait_until(f"listening ({process.args[1]})", lambda process=process: "listening on "
                       in self.said(process), LISTEN_TIMEOUT_S)

    def said(self, process):
        """What a component said so far; it still has to run."""
        with open(process.log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        require(process.poll() is None,
                f"{' '.join(process.args[1:])} ended with {process.returncode}: {text}")
        return text

    def end(self, process, number=signal.SIGTERM):
        """Signals a component and all between it and `just`, and waits for its end."""
        os.killpg(process.pid, number)
        process.wait(END_TIMEOUT_S)
        wait_until("gone", lambda: not group_of(process.pid), END_TIMEOUT_S)
        return process.returncode

    def left(self):
        """Process ids of all that was started here and still runs."""
        return marked(self.mark)


def marked(mark):
    """Process ids of those that carry the mark and have not ended."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def group_of(group):
    """Process ids of a process group's members that have not ended."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, _, pgrp = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == group and state not in "ZX":
            found.append(int(name))
    return found


class Pipe:
    """A client as the course's drivers run it: `just`, two pipes, a call at a time, and a limit."""

    def __init__(self, mark, recipe, *words):
        self.process = subprocess.Popen([just(), recipe, *words], cwd=local.ROOT, bufsize=0,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=environment(mark))
        self.unread = b""

    def write(self, line):
        """One call."""
        self.process.stdin.write(line.encode() + b"\n")

    def read_line(self, limit_s):
        """One line of an answer."""
        deadline = time.monotonic() + limit_s
        while b"\n" not in self.unread:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(deadline - time.monotonic(), 0))
            require(ready, f"no answer within {limit_s:g} s")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            require(data, "the client ended")
            self.unread += data
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def call(self, line, limit_s):
        """One call and the lines of its answer."""
        self.write(line)
        lines = [self.read_line(limit_s)]
        if re.fullmatch(r"SCAN \S+ \S+ BEGIN", lines[0]):
            while lines[-1] != "SCAN END":
                lines.append(self.read_line(limit_s))
        return lines

    def stop(self, limit_s):
        """STOP; its answer has to come in time."""
        require(self.call("STOP", limit_s) == ["STOP"], "STOP was not answered STOP")

    def kill(self):
        """SIGKILL to `just` alone, then the pipes are dropped."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
