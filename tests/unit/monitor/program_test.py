#!/usr/bin/env python3
"""madkv-monitor as a program: flags, exit statuses, and that no dead node holds it up.

usage: program_test.py MONITOR
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import unittest

MONITOR = None
LIMIT_S = 4.0  # the longest any picture may take
UNHEALTHY, USAGE, FAILED = 5, 2, 1


def run(*args, stdout=subprocess.PIPE):
    """The ended program; fails the test if it takes longer than it may."""
    start = time.monotonic()
    done = subprocess.run([MONITOR, *args], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    done.seconds = time.monotonic() - start
    return done


@contextlib.contextmanager
def refusing():
    """Address of a port that is taken, so that nobody else gets it, and refuses connections."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


@contextlib.contextmanager
def stalled():
    """Address of a port that takes connections and never says a word, like a stopped process."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(64)
        yield f"127.0.0.1:{holder.getsockname()[1]}"


class Program(unittest.TestCase):
    """One test per behaviour."""

    def assert_usage(self, expected, *args):
        """Exit status 2 and one line that says `expected`."""
        done = run(*args)
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn(expected, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_wrong_flags_are_one_line_and_status_2(self):
        """Nothing given, too much given, not an address, not a flag."""
        self.assert_usage("--manager_addrs", "--once")
        self.assert_usage("either --once or --json", "--manager_addrs", "a:1")
        self.assert_usage("either --once or --json", "--manager_addrs", "a:1", "--once", "--json")
        self.assert_usage("--manager_addrs: given 'a'", "--manager_addrs", "a", "--once")
        self.assert_usage("at least one", "--manager_addrs", "none", "--once")
        self.assert_usage("at least one", "--server-addrs", "none", "--json")
        self.assert_usage("--server_addrs", "--manager_addrs", "a:1", "--server_addrs", "b:1",
                          "--json")
        self.assert_usage("--twice", "--twice")

    def test_help_lists_the_exit_statuses(self):
        """--help answers on stdout."""
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("5 not healthy", done.stdout)

    def test_managers_that_do_not_answer_are_an_unhealthy_picture(self):
        """Refused and stalled ones alike, within the limit."""
        with refusing() as gone, stalled() as deaf, stalled() as other:
            done = run("--manager_addrs", f"{gone},{deaf},{other}", "--json")
            self.assertLess(done.seconds, LIMIT_S)
            self.assertEqual(done.returncode, UNHEALTHY, done.stderr)
            picture = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual(picture["version"], 1)
            self.assertIs(picture["healthy"], False)
            self.assertEqual(picture["reason"], "managers: majority lost")
            self.assertIsNone(picture["cluster"])
            self.assertEqual([group["group"] for group in picture["groups"]], ["m"])
            replicas = picture["groups"][0]["replicas"]
            self.assertEqual([r["addr"] for r in replicas], [gone, deaf, other])
            self.assertEqual([r["up"] for r in replicas], [False] * 3)
            self.assertEqual([r["state"] for r in replicas], ["silent"] * 3)

    def test_text_in_a_pipe_has_no_colour(self):
        """The words carry everything."""
        with refusing() as gone:
            done = run("--server_addrs", gone, "--once")
            self.assertEqual(done.returncode, UNHEALTHY)
            self.assertTrue(done.stdout.startswith("NOT HEALTHY: s0: majority lost\n"))
            self.assertNotIn("\033", done.stdout)
            self.assertIn("DOWN", done.stdout)
            self.assertLess(done.seconds, LIMIT_S)

    def test_a_picture_that_cannot_be_written_is_status_1(self):
        """A full disk, in the guise of /dev/full."""
        with refusing() as gone, open("/dev/full", "w", encoding="ascii") as full:
            done = run("--server_addrs", gone, "--once", stdout=full)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn("cannot write", done.stderr)


if __name__ == "__main__":
    MONITOR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
