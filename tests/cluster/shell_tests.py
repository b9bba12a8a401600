"""madkv-client for people: the shell on a terminal, and single calls from a command line."""

import contextlib
import json
import os
import pty
import re
import select
import stat
import subprocess
import time

from harness import EXIT_OK, Failure, local, require, run, test, wait_until

ABSENT, FAILED, USAGE = 8, 1, 2
LIMIT_S = 30


class Shell:
    """madkv-client on a pseudo-terminal; `state` is where it keeps its history."""

    def __init__(self, cluster, state, args=(), term="xterm"):
        self.parent, child = pty.openpty()
        env = dict(os.environ, XDG_STATE_HOME=state, TERM=term, LC_ALL="C.UTF-8")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", local.program_path("madkv-client"),
             "--manager_addrs", cluster.manager_addrs, *args],
            stdin=child, stdout=child, stderr=child, env=env, start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
        os.close(child)
        self.seen = b""

    def wait_for(self, pattern):
        """Reads until what came since the last find holds the pattern; the match."""
        deadline = time.monotonic() + LIMIT_S
        while not (found := re.search(pattern.encode(), self.seen, re.S)):
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"no /{pattern}/ in {self.seen!r}")
            if select.select([self.parent], [], [], left)[0]:
                try:
                    self.seen += os.read(self.parent, 65536)
                except OSError as error:
                    raise Failure(f"ended; no /{pattern}/ in {self.seen!r}") from error
        self.seen = self.seen[found.end():]
        return found

    def type(self, text):
        """Presses keys."""
        os.write(self.parent, text.encode())

    def ask(self, line, pattern):
        """Types a line and waits for what has to come."""
        self.type(line + "\r")
        return self.wait_for(pattern)

    def prompt(self, state):
        """Presses Enter until the prompt says that of the cluster: on a slow machine a node may take
        longer to answer than a prompt waits."""
        self.wait_for("madkv [^>]*> ")
        wait_until(f"a prompt that says {state}",
                   lambda: self.ask("", "madkv ([^>]*)> ")[1].decode() == state)

    def end(self):
        """Waits for its end; the exit status."""
        with contextlib.suppress(OSError):
            while select.select([self.parent], [], [], LIMIT_S)[0] and os.read(self.parent, 65536):
                continue
        status = self.process.wait(LIMIT_S)
        os.close(self.parent)
        return status


@test
def test_shell_edits_completes_remembers_and_shows_values_safely(place):
    """On a terminal: a prompt that says how the cluster is, help, completion, timings, history."""
    state = place.path("state")
    with place.cluster(managers=1, partitions=1, rf=3) as cluster:
        with cluster.client() as writer:
            writer.call("PUT evil \033[2J\x7f\x08end")
        shell = Shell(cluster, state)
        shell.prompt("ok")
        shell.ask("put fruit apple", r"not_found  \(\d+\.\d ms\)")
        shell.ask("GET fruit", r"apple  \(\d+\.\d ms\)")
        shell.ask("swap fruit p\u00e4r", "apple")
        shell.ask("get fruit", "p\u00e4r")
        shell.ask("get evil", r"\\x1b\[2J\\x7f\\x08end")
        shell.ask("scan a z", r"  evil .*  fruit .*2 pairs")
        shell.ask("get nothing", "null")
        shell.ask("del\tfruit", r"\nfound  \(")  # Tab makes it delete
        shell.ask("help", "scan from to")
        shell.ask("nonsense", "no such call")
        shell.ask("put a b c", "PUT takes a key and a value")
        wait_until("the servers listed", lambda: re.search(
            rb"s0\.2 .*up (leading|following)", shell.ask("status", "m.0.*madkv [^>]*> ")[0]))
        shell.ask("timing", "timing is off")
        shell.ask("get fruit", r"null\r\n")
        shell.type("get half a line\x03")
        shell.prompt("ok")
        cluster.kill("s0.0")
        shell.type("\r")
        shell.prompt("1 down")
        shell.type("\x04")
        require(shell.end() == EXIT_OK, "Ctrl-D does not end it well")
        path = os.path.join(state, "madkv", "history")
        require(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may read the history")
        again = Shell(cluster, state)
        again.prompt("1 down")
        again.type("\x1b[A")  # the line before
        again.wait_for("get fruit")
        again.type("\x15")  # and away with it
        again.ask("exit", "")
        require(again.end() == EXIT_OK, "exit does not end it well")
        dumb = Shell(cluster, state, term="dumb")
        dumb.prompt("1 down")
        dumb.ask("get evil", r"\\x1b")
        dumb.ask("quit", "")
        require(dumb.end() == EXIT_OK, "quit does not end it well")


@test
def test_shell_gives_a_call_up_at_ctrl_c_and_goes_on(place):
    """A call on a service that stopped waits; Ctrl-C says what is known of it, and the next one works."""
    with place.cluster(managers=1, partitions=1, rf=3) as cluster:
        shell = Shell(cluster, place.path("state"))
        shell.prompt("ok")
        shell.ask("put k v", "not_found")
        for name in ("s0.0", "s0.1", "s0.2"):
            cluster.pause(name)
        shell.type("put k w\r")
        shell.wait_for("put k w")
        shell.wait_for("waiting for partition 0 .* no replica answers")
        shell.type("\x03")
        shell.wait_for("given up: it may or may not take effect")
        shell.prompt("s0 stopped")
        for name in ("s0.0", "s0.1", "s0.2"):
            cluster.resume(name)
        shell.ask("get k", r"\r\n[vw]  \(")
        shell.ask("exit", "")
        require(shell.end() == EXIT_OK, "exit does not end it well")


@test
def test_one_call_from_a_command_line(place):
    """Plain and JSON, and a fixed exit status for each end."""
    with place.cluster(managers=1, partitions=2, rf=1) as cluster:
        flags = ["--manager_addrs", cluster.manager_addrs]

        def one(*words, status=EXIT_OK):
            done = run("madkv-client", [*flags, *words])
            require(done.status == status, f"{words}: status {done.status}, {done.stderr}")
            return done.stdout

        require(one("put", "k", "v1") == "not_found\n", "put")
        require(one("GET", "k") == "v1\n", "get")
        require(one("swap", "k", "v2") == "v1\n", "swap")
        require(one("get", "missing", status=ABSENT) == "", "get of nothing")
        require(one("swap", "new", "x") == "", "swap of nothing")
        require(one("put", "--", "-dash", "-1") == "not_found\n", "a word with a dash")
        require(one("scan", "a", "z") == "k v2\nnew x\n", "scan")
        require(json.loads(one("-w", "json", "get", "k")) ==
                {"call": "GET", "key": "k", "outcome": "ok", "found": True, "value": "v2"}, "json")
        require(json.loads(one("--write", "json", "scan", "a", "z"))["pairs"] ==
                [{"key": "k", "value": "v2"}, {"key": "new", "value": "x"}], "json of scan")
        require(json.loads(one("-w", "json", "get", "missing", status=ABSENT))["value"] is None,
                "json of nothing")
        with cluster.client() as writer:
            writer.process.stdin.write(b"PUT bin \xff\xfe\n")
            writer.process.stdin.flush()
            require(one("delete", "k") == "found\n", "delete")
        wait_until("the value there", lambda: json.loads(one("-w", "json", "swap", "bin", "y"))["found"])
        require(one("get", status=USAGE) == "" and one("fly", "k", status=USAGE) == "", "usage")
        require("plain or json" in run("madkv-client", [*flags, "-w", "xml", "get", "k"]).stderr,
                "no word about -w")
        for name in cluster.topology.group("s0") + cluster.topology.group("s1"):
            cluster.pause(name)
        one("--timeout", "1", "get", "k", status=FAILED)
        one("--timeout", "1", "put", "k", "v", status=FAILED)  # no session, so it was never sent
        for name in cluster.topology.group("s0") + cluster.topology.group("s1"):
            cluster.resume(name)


@test
def test_shell_and_calls_of_a_service_without_managers(place):
    """--server_addrs, as the first of the course's projects runs it."""
    with place.cluster(managers=1, partitions=1, rf=1) as cluster:
        flags = ["--server_addrs", cluster.topology.server_addrs]
        done = run("madkv-client", [*flags, "put", "k", "v"])
        require(done.status == EXIT_OK and done.stdout == "not_found\n", done.stderr)
        done = run("madkv-monitor", [*flags, "--once"])
        require(done.status == EXIT_OK and done.stdout.startswith("HEALTHY"), done.stdout)
