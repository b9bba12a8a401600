"""What the demo, the demonstrations, the fuzzer and the chaos plans have in common.

How they talk, how they end on a signal, and where the recorded load and the cluster's judge come
from: tests/cluster has both, and the tools that break things on purpose use the very same ones.
"""

import os
import signal
import subprocess
import sys

import cluster as local

sys.dont_write_bytecode = True  # nothing of a run stays in the tree
sys.path.insert(0, os.path.join(local.ROOT, "tests", "cluster"))

CALL_LIMIT_S = 60.0
CHECK_LIMIT_S = 300.0
OUTPUT_ROOT = "/tmp/madkv-p3"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LINEARIZABLE, VIOLATION = 0, 1  # exit statuses of madkv-check


class Wrong(Exception):
    """Something was not as promised."""


def say(text):
    """One line of the story."""
    print(text, flush=True)


def expect(client, call, answer):
    """Run one call, show it, and compare its answer (lines)."""
    lines = client.call(call, CALL_LIMIT_S)
    show(call, lines)
    if lines != answer:
        raise Wrong(f"{call} was answered {lines}; expected {answer}")


def show(call, lines):
    """A call and its answer."""
    say(f"    > {call}")
    for line in lines:
        say(f"      {line}")


def check_history(path):
    """(exit status, output) of madkv-check; a status of None: it took too long."""
    try:
        done = subprocess.run([local.program_path("madkv-check"), path], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=CHECK_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None, f"madkv-check was not done after {CHECK_LIMIT_S:g} s"
    return done.returncode, done.stdout.decode(errors="replace").strip()


def output_directory(name):
    """The directory for logs and histories of kind `name`, made if it is missing."""
    path = os.path.join(OUTPUT_ROOT, name)
    os.makedirs(path, exist_ok=True)
    return path


def end_on_signals():
    """From here on a signal ends the program by an exception, so that it cleans up."""
    for number in SIGNALS:
        signal.signal(number, _interrupted)


def _interrupted(number, _frame):
    """Further signals do not disturb the cleaning up."""
    ignore_signals()
    raise SystemExit(128 + number)


def ignore_signals():
    """From here on nothing interrupts."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def forget_stdout():
    """Nobody reads it any more; what is said from here on goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
