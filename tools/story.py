"""What the demo, the demonstrations, the fuzzer and the chaos plans have in common.

How they talk, how they end on a signal, and where the recorded load and the cluster's judge come
from: tests/cluster has both, and the tools that break things on purpose use the very same ones.
"""

import os
import re
import signal
import subprocess
import sys

import cluster as local

sys.dont_write_bytecode = True  # nothing of a run stays in the tree
sys.path.insert(0, os.path.join(local.ROOT, "tests", "cluster"))

CALL_LIMIT_S = 60.0
CHECK_LIMIT_S = 300.0
OUTPUT_ROOT = "/tmp/madkv-"   # and the project: p1, p2, p3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

LINEARIZABLE, VIOLATION = 0, 1  # exit statuses of madkv-check


class Wrong(Exception):
    """Something was not as promised."""


_log = []   # the file that say() writes to beside stdout, once there is one


def log_to(path):
    """From here on what is said stands in that file too."""
    _log[:] = [open(path, "w", encoding="utf-8")]  # pylint: disable=consider-using-with


def say(text):
    """A line of the story, or several. Where there is a log, goes on if nobody reads stdout."""
    for log in _log:
        log.write(text + "\n")
        log.flush()
    try:
        print(text, flush=True)
    except BrokenPipeError:
        if not _log:
            raise
        forget_stdout()


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


def output_directory(name, project="p3"):
    """The directory for logs and histories of kind `name`, made if it is missing."""
    path = os.path.join(OUTPUT_ROOT + project, name)
    os.makedirs(path, exist_ok=True)
    return path


def parameter_problem(given, parameters):
    """What is wrong with a recipe's parameters, or "".

    `parameters`: (name, words it may be) of each, with numbers for words that are numbers in
    decimal, and None for addresses, HOST:PORT with commas between.
    """
    if len(given) > len(parameters):
        return f"one parameter too many: '{given[len(parameters)]}'"
    for (name, allowed), word in zip(parameters, [*given, *[""] * len(parameters)]):
        if allowed is None:
            expected = "" if is_address_list(word) else "HOST:PORT, with commas between several"
        else:
            expected = "" if word in map(str, allowed) else words_of(allowed)
        if expected:
            return f"{name} is '{word}'; expected {expected}" if word else f"{name} is missing"
    return ""


def is_address_list(text):
    """HOST:PORT,HOST:PORT,...; what a host may be is for the programs to say."""
    return all(re.fullmatch(r"[^,\s]+:[0-9]{1,5}", part) and 1 <= int(part.rpartition(":")[2]) <= 65535
               for part in text.split(","))


def words_of(allowed):
    """The words that a parameter may be, for people."""
    if isinstance(allowed, range):
        return f"a number from {allowed.start} to {allowed.stop - 1}"
    *others, last = map(str, allowed)
    return f"{', '.join(others)} or {last}" if others else last


def refuse(recipe, problem, example):
    """Says in one line what is wrong with a recipe's parameters; returns the exit status."""
    print(f"madkv: {recipe}: {problem}; for example: just {recipe} {example}".rstrip(),
          file=sys.stderr)
    return 2


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
