"""What people and programs see of a cluster: the full screen in a terminal, JSON, lines, metrics.

The terminal is tmux, whose screen is read as text; where it is not installed those tests are skipped
with a word that says so."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request

from harness import EXIT_OK, Skip, local, require, run, say, test, wait_until
from load import Load

sys.path.insert(0, os.path.join(local.ROOT, "tests", "unit", "monitor"))
import exposition  # pylint: disable=wrong-import-position
import schema  # pylint: disable=wrong-import-position

UNHEALTHY = 5
SCREEN_LIMIT_S = 30


class Terminal:
    """A program in a terminal of its own; `screen` is what one would see."""

    def __init__(self, place, command, columns=80, rows=24):
        if not shutil.which("tmux"):
            raise Skip("tmux is not installed (tools/deps test)")
        self.tmux = ["tmux", "-S", place.path("tmux"), "-f", "/dev/null"]
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), *command)

    def run(self, *words):
        """A command of tmux; what it says."""
        done = subprocess.run([*self.tmux, *words], stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20,
                              env=dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm"))
        return done.stdout.decode(errors="replace")

    def screen(self):
        """The text on it."""
        return self.run("capture-pane", "-p")

    def keys(self, *keys):
        """Presses keys, by tmux's names."""
        self.run("send-keys", *keys)

    def wait_for(self, pattern):
        """Polls until the screen shows that regular expression; the match."""
        try:
            return wait_until(f"/{pattern}/ on the screen", lambda: re.search(pattern, self.screen()),
                              SCREEN_LIMIT_S)
        except Exception:
            say("the screen:\n" + self.screen())
            raise

    def close(self):
        """Ends the program and the terminal."""
        self.run("kill-server")


@contextlib.contextmanager
def monitor(place, cluster, *flags, **size):
    """The full screen of a cluster, to be left with q."""
    command = local.monitor_command(cluster.manager_addrs, *flags)
    terminal = Terminal(place, command, **size)
    try:
        yield terminal
        terminal.keys("Escape")
        terminal.keys("q")
        wait_until("the monitor gone", lambda: "no server running" in terminal.run("list-sessions") or
                   "error connecting" in terminal.run("list-sessions"))
    finally:
        terminal.close()


@test
def test_monitor_shows_a_leader_die_and_its_group_recover(place):
    """What somebody who looks at it learns: who failed, that another one leads, that a second failure
    would be the end, and that all is well again."""
    with place.cluster(partitions=2) as cluster:
        victim = cluster.leader("s0")
        with Load(cluster, place.path("history")) as load, monitor(place, cluster) as terminal:
            terminal.wait_for(r"HEALTHY: every group has a leader")
            terminal.wait_for(rf"s0 +{re.escape(victim)} +3/3 +1 more +[1-9]")
            terminal.wait_for(r"OP/S .*max [1-9]")
            cluster.kill(victim)
            terminal.wait_for(rf"NOT HEALTHY: .*\n(.*\n)*{re.escape(victim)} +(DOWN|suspect)")
            cluster.leader("s0", other_than=victim)
            successor = terminal.wait_for(r"s0 +(s0\.\d) +2/3 +0 more +[1-9]")[1]
            require(successor != victim, "the dead one still leads on the screen")
            terminal.wait_for(rf"{re.escape(victim)} +DOWN .*s0 can lose 0 more: one more failure")
            terminal.wait_for(rf"{re.escape(victim)} +down +answers no more")
            terminal.keys("5")
            terminal.wait_for(rf"{re.escape(successor)} +leader +leads with ballot")
            terminal.keys("1")
            cluster.restart(victim)
            terminal.wait_for(r"s0 +s0\.\d +3/3 +1 more")
            terminal.wait_for(r"nothing is wrong: every replica is up")
            load.wait(200)
        load.judge()


@test
def test_monitor_goes_on_without_managers_and_in_another_size(place):
    """Servers that were learned of once are asked although no manager lives; a resize is followed."""
    with place.cluster(managers=1, partitions=1) as cluster:
        with monitor(place, cluster, columns=60, rows=12) as terminal:
            terminal.wait_for(r"HEALTHY: every group")
            cluster.kill("m.0")
            terminal.wait_for(r"NOT HEALTHY: managers: majority lost")
            terminal.wait_for(r"s0 +s0\.\d +3/3 +1 more")
            terminal.keys("2")
            terminal.wait_for(r"NODE +STATE +ROLE")
            terminal.run("resize-window", "-x", "140", "-y", "40")
            terminal.wait_for(r"VERSION +.*ADDRESS")
            terminal.run("resize-window", "-x", "30", "-y", "5")
            terminal.wait_for(r"at least 40x10 for more")
            cluster.restart("m.0")
            terminal.wait_for(r"HEALTHY: every group")


def act(terminal, node, number):
    """Confirms action `number` on a node that is chosen on the view of replicas."""
    terminal.keys("BSpace")  # no filter is left of the last one
    terminal.keys("/")
    terminal.keys("-l", node)
    terminal.keys("Enter")
    terminal.wait_for(rf"\n{re.escape(node)} +up")
    terminal.keys("a")
    terminal.wait_for(rf"{re.escape(node)}: 1 move leadership here")
    terminal.keys(number, "Enter")
    terminal.wait_for(rf"type {re.escape(node)} to")
    terminal.keys("-l", node)
    terminal.keys("Enter")


@test
def test_monitor_acts_where_the_server_allows_it_too(place):
    """Leadership is moved to the node that was chosen; a server without the flag refuses."""
    with place.cluster(managers=1, server_args=["--allow_admin"]) as cluster:
        leader = cluster.leader("s0")
        successor = next(f"s0.{i}" for i in range(3) if f"s0.{i}" != leader)
        with monitor(place, cluster, "--allow-admin") as terminal:
            terminal.wait_for(r"HEALTHY: every group")
            terminal.keys("2")
            act(terminal, successor, "1")
            terminal.wait_for(r": done")
            terminal.wait_for(rf"{re.escape(successor)} +up +LEADER")
            require(cluster.leader("s0") == successor, "another one leads")
            act(terminal, successor, "3")
            terminal.wait_for(r": done")
            act(terminal, successor, "2")
            terminal.wait_for(r": done")
            terminal.wait_for(rf"{re.escape(successor)} +up +follower")
    with place.cluster(managers=1) as cluster:
        leader = cluster.leader("s0")
        with monitor(place, cluster, "--allow-admin") as terminal:
            terminal.wait_for(r"HEALTHY: every group")
            terminal.keys("2")
            act(terminal, leader, "2")
            terminal.wait_for(r"started without --allow_admin")
            require(cluster.leader("s0") == leader, "leadership moved nevertheless")


@test
def test_json_follows_its_schema_whatever_is_down(place):
    """A whole cluster, and one without a manager majority and a leader."""
    def picture():
        done = run("madkv-monitor", local.monitor_command(cluster.manager_addrs, "--json")[1:])
        value = json.loads(done.stdout)
        wrong = list(schema.problems(value, schema.load()))
        require(not wrong, f"not by the schema: {wrong[:5]}")
        return done.status, value
    with place.cluster() as cluster:
        status, value = picture()
        require(status == EXIT_OK and value["healthy"], "not healthy")
        figures = value["groups"][1]["replicas"][0]["figures"]
        for name in ("log.commit_us_buckets", "disk.used_bytes", "process.cpu_ms"):
            require(name in figures, f"no figure {name}")
        for name in ("m.0", "m.1", "s0.0", "s0.1"):
            cluster.kill(name)
        status, value = picture()
        require(status == UNHEALTHY and value["groups"][0]["majority_lost"], "healthy")


@test
def test_metrics_are_what_prometheus_reads(place):
    """A scrape while calls are made: by the grammar, and by promtool where it is installed."""
    with place.cluster() as cluster:
        with socket.socket() as holder:  # its port, which the monitor gets from us
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{holder.getsockname()[1]}"
            command = local.monitor_command(cluster.manager_addrs, "--prometheus", address,
                                            "--interval_ms", "200")
            with Load(cluster, place.path("history")) as load, \
                    subprocess.Popen(command, stderr=subprocess.DEVNULL) as watcher:
                try:
                    load.wait(200)
                    body = wait_until("a scrape that tells of calls", lambda: scrape(address))
                finally:
                    watcher.terminate()
                require(watcher.wait(20) == EXIT_OK, "SIGTERM ended it badly")
        require(exposition.problem(body) is None, f"{exposition.problem(body)}")
        if not shutil.which("promtool"):
            say("promtool is not installed: judged by the grammar only")
            return
        done = subprocess.run(["promtool", "check", "metrics"], input=body.encode(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        require(done.returncode == 0, done.stdout.decode())
        done = subprocess.run(["promtool", "check", "rules", os.path.join(
            local.ROOT, "tools", "monitor", "prometheus", "alerts.yml")], check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        require(done.returncode == 0, done.stdout.decode())


def scrape(address):
    """The metrics once they count calls of a leader; None before."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            body = answer.read().decode()
    except OSError:
        return None
    return body if re.search(r'madkv_call_seconds_count\{.*op="put"\} [1-9]', body) else None
