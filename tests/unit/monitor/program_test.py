#!/usr/bin/env python3
"""madkv-monitor as a program: flags, exit statuses, and that no dead node holds it up.

usage: program_test.py MONITOR
"""

import contextlib
import http.client
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import unittest

import exposition
import schema

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
def running(*args, stderr=None):
    """The program while it runs; killed in the end if it still does."""
    monitor = subprocess.Popen([MONITOR, *args], stdin=subprocess.DEVNULL, text=True,
                               stdout=subprocess.PIPE, stderr=stderr)
    try:
        yield monitor
    finally:
        monitor.kill()
        monitor.wait()
        if monitor.stdout:
            monitor.stdout.close()


@contextlib.contextmanager
def free_port():
    """A port that nobody listens on, kept from others until it is used."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def scrape(port, method, path):
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


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
        self.assert_usage("one of --once", "--manager_addrs", "a:1", "--once", "--json")
        self.assert_usage("one of --once", "--server_addrs", "a:1", "--stat", "--prometheus", "b:1")
        self.assert_usage("--prometheus: given 'x'", "--server_addrs", "a:1", "--prometheus", "x")
        self.assert_usage("--interval_ms: given '5'", "--server_addrs", "a:1", "--interval_ms", "5")
        self.assert_usage("--manager_addrs: given 'a'", "--manager_addrs", "a", "--once")
        self.assert_usage("at least one", "--manager_addrs", "none", "--once")
        self.assert_usage("at least one", "--server-addrs", "none", "--json")
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
            self.assertEqual(list(schema.problems(picture, schema.load())), [])

    def test_servers_are_asked_although_no_manager_says_who_they_are(self):
        """--server_addrs beside --manager_addrs."""
        with refusing() as manager, refusing() as server:
            done = run("--manager_addrs", manager, "--server_addrs", server, "--json")
            picture = json.loads(done.stdout)
            self.assertEqual([group["group"] for group in picture["groups"]], ["m", "s0"])
            self.assertEqual(picture["groups"][1]["replicas"][0]["addr"], server)
            self.assertIs(picture["servers_known"], False)

    def test_without_a_mode_a_pipe_gets_one_overview(self):
        """A full screen is for terminals."""
        with refusing() as gone:
            done = run("--server_addrs", gone)
            self.assertEqual(done.returncode, UNHEALTHY)
            self.assertTrue(done.stdout.startswith("NOT HEALTHY"))

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

    def test_lines_go_on_until_nobody_reads_or_a_signal_comes(self):
        """--stat, and --events, which tells that a node is silent once."""
        with refusing() as gone:
            with running("--server_addrs", gone, "--stat", "--interval_ms", "100") as monitor:
                lines = [monitor.stdout.readline() for _ in range(4)]
                self.assertIn("OP/S", lines[0])
                self.assertIn("NOT HEALTHY: s0: majority lost", lines[3])
                monitor.stdout.close()
                self.assertEqual(monitor.wait(10), FAILED)
            with running("--server_addrs", gone, "--stat", "--interval_ms", "100") as monitor:
                monitor.stdout.readline()
                monitor.send_signal(signal.SIGTERM)
                self.assertEqual(monitor.wait(10), 0)
                monitor.stdout.close()

    def test_metrics_are_served_and_nothing_else(self):
        """200, 404, 405; a client that says nothing holds nobody up."""
        with refusing() as gone, free_port() as port:
            address = f"127.0.0.1:{port}"
            with running("--server_addrs", gone, "--prometheus", address,
                         stderr=subprocess.PIPE) as monitor:
                self.assertIn(f"http://{address}/metrics", monitor.stderr.readline())
                with socket.create_connection(("127.0.0.1", port)):
                    status, body = scrape(port, "GET", "/metrics")
                    while status == 503:  # before the first picture
                        status, body = scrape(port, "GET", "/metrics")
                    self.assertEqual(status, 200)
                    self.assertIsNone(exposition.problem(body))
                    self.assertIn('madkv_up{group="s0",node="s0.0"} 0\n', body)
                    self.assertEqual(scrape(port, "GET", "/")[0], 404)
                    self.assertEqual(scrape(port, "GET", "/metricsx")[0], 404)
                    self.assertEqual(scrape(port, "POST", "/metrics")[0], 405)
                again = run("--server_addrs", gone, "--prometheus", address)
                self.assertEqual(again.returncode, 4)
                self.assertIn("cannot listen", again.stderr)
                monitor.send_signal(signal.SIGTERM)
                self.assertEqual(monitor.wait(10), 0)
                monitor.stderr.close()

    def screen(self, term, until):
        """What the monitor writes to a terminal of that kind until it holds a text."""
        with refusing() as gone:
            parent, child = pty.openpty()
            env = dict(os.environ, TERM=term, LC_ALL="C")
            monitor = subprocess.Popen([MONITOR, "--server_addrs", gone], stdin=child, stdout=child,
                                       stderr=child, env=env)
            os.close(child)
            seen = b""
            end = time.monotonic() + 30
            while until not in seen and time.monotonic() < end:
                if select.select([parent], [], [], 1)[0]:
                    seen += os.read(parent, 65536)
            monitor.send_signal(signal.SIGTERM)
            while select.select([parent], [], [], 1)[0]:
                try:
                    seen += os.read(parent, 65536)
                except OSError:
                    break
            self.assertEqual(monitor.wait(10), 0)
            os.close(parent)
            self.assertIn(until, seen)
            return seen

    def test_a_terminal_gets_a_full_screen_and_is_given_back(self):
        """xterm's alternate screen is entered and left."""
        seen = self.screen("xterm", b"majority lost")
        self.assertIn(b"\033[?1049h", seen)
        self.assertIn(b"\033[?1049l", seen)

    def test_a_dumb_terminal_gets_lines(self):
        """No control sequence at all."""
        self.assertNotIn(b"\033", self.screen("dumb", b"majority lost"))

    def test_an_unknown_terminal_is_one_line(self):
        """And the modes that need none are named."""
        parent, child = pty.openpty()
        done = subprocess.run([MONITOR, "--server_addrs", "127.0.0.1:1"], stdin=child, stdout=child,
                              stderr=subprocess.PIPE, env=dict(os.environ, TERM="no-such-terminal"),
                              timeout=30, check=False)
        os.close(parent)
        os.close(child)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn(b"--once, --stat and --json need none", done.stderr)


if __name__ == "__main__":
    MONITOR = os.path.abspath(sys.argv.pop(1))
    unittest.main()
