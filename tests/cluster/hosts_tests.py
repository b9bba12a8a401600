"""A cluster on several machines: the file of hosts, and the commands over ssh.

The machines are network namespaces with an address each (tools/network.py), and ssh is a program of
that name, first on PATH, that enters one. tests/cluster/hosts_world is what happens in there; it
makes a world of its own, so that whoever runs the tests sees nothing of it.
"""

import os
import subprocess
import sys

import network
import recipes
from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE, Skip, local, require, say, test
from recipes import EXAMPLE

WORLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hosts_world")
WORLD_LIMIT_S = 600.0
GOOD = "10.0.0.1 m.0 s0.0\n10.0.0.2 m.1 s0.1\n10.0.0.3 m.2 s0.2\n"

BAD = [
    ("", "no manager"),
    ("a m.0\n", "no server"),
    ("a s0.0\n", "no manager"),
    ("a m.0 s0.0 s0.2\nb s0.1 m.1\n", "m has 2 replicas"),
    ("a m.0 s0.0\nb m.2 s0.1\nc s0.2\n", "m.1 is missing, though there is m.2"),
    ("a m.0 s0.0\nb s0.2\n", "s0.1 is missing, though there is s0.2"),
    ("a m.0 s0.0 s2.0\n", "partition s1 is missing, though there is s2"),
    ("a m.0 s0.0 s1.0 s1.1 s1.2\n", "s1 has 3 replicas and s0 has 1"),
    ("a m.0 s0.0\nb m.0\n", ":2: m.0 is listed twice, first in line 1"),
    ("a m.0\na s0.0\n", ":2: host a is listed twice"),
    ("a m.0:4000/4001 s0.0:4001/4002\n", ":1: port 4001 of a is doubled: s0.0 and m.0"),
    ("a m.0 s0.0:3666/4000\n", ":1: port 3666 of a is doubled: s0.0 and m.0"),
    ("x@a m.0\ny@a s0.0:3606/3700\n", ":2: port 3606 of a is doubled"),
    ("a m.0 s0.0:0/4000\n", "s0.0: port is 0; expected 1 to 65535"),
    ("a m.0 s0.0:70000/4000\n", "s0.0: port is 70000"),
    ("a m.0 s0.0:4000\n", ":1: node is 's0.0:4000'"),
    ("a m.0 server\n", ":1: node is 'server'"),
    ("a m.0 s0.9\n", "node is 's0.9'"),
    ("a:b m.0 s0.0\n", "host is 'a:b'"),
    ("a\n", "host a has no nodes"),
    ("tree = x y\na m.0 s0.0\n", "tree has 2 values"),
    ("color = red\na m.0 s0.0\n", "setting is 'color'; expected tree or data"),
]


def hosts_file(place, text):
    """Path of a file of hosts."""
    path = place.path("cluster.hosts")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


@test
def test_bad_files_of_hosts_are_told(place):
    """With the line, where it is one, before anything is started; for every command alike."""
    for text, said in BAD:
        done = recipes.run("cluster::plan", hosts_file(place, text))
        done.refused(EXIT_USAGE, "madkv: cluster::plan: ", place.path("cluster.hosts"), said)
    for command in ("start", "stop", "status", "collect"):
        recipes.run("cluster::" + command, hosts_file(place, BAD[0][0])).refused(EXIT_USAGE)
        recipes.run("cluster::" + command).refused(EXIT_USAGE, "file is missing", EXAMPLE)
        recipes.run("cluster::" + command, "a", "b", "c").refused(EXIT_USAGE, "too many", EXAMPLE)
    recipes.run("cluster::plan", place.path("none")).refused(EXIT_USAGE, "No such file")
    recipes.run("cluster::plan", "a", "csv").refused(EXIT_USAGE, "'csv'", "just or systemd", EXAMPLE)


@test
def test_plan_prints_lines_that_start_every_node(place):
    """Each line is one that p3::service takes: it refuses nothing but the flag we add."""
    path = hosts_file(place, f"data = {place.path('data')}\n" + GOOD)
    done = recipes.run("cluster::plan", path)
    require(done.status == EXIT_OK, done.stderr)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("just ")]
    require([line[2] for line in lines] == ["m.0", "s0.0", "m.1", "s0.1", "m.2", "s0.2"],
            f"planned {lines}")
    for line in lines:
        recipes.run(line[1], *line[2:], "--no_such_flag").refused(EXIT_USAGE, "--no_such_flag")
    units = recipes.run("cluster::plan", path, "systemd")
    for words in ("MANAGER_ADDRS=10.0.0.1:3666,10.0.0.2:3667,10.0.0.3:3668", "PARTITION_ID=0",
                  "PEER_ADDRS=10.0.0.1:3606,10.0.0.3:3608", "API_LISTEN=0.0.0.0:3779",
                  "systemctl enable --now madkv-manager@m.2 madkv-server@s0.2"):
        require(words + "\n" in units.stdout, f"no {words} in {units.stdout}")


@test
def test_unreachable_host_is_told_before_anything_starts(place):
    """An ssh that reaches nobody; and one that reaches a host without the tree."""
    directory = place.path("bin")
    os.mkdir(directory)
    path = hosts_file(place, f"data = {place.path('data')}\n" + GOOD)
    for script, said in (("echo 'ssh: no route to host' >&2; exit 255",
                          "host 10.0.0.1 cannot be reached: ssh: no route to host"),
                         ("cd /; shift 5; exec sh -c \"$(echo \"$1\" | sed 's,^cd [^ ]*,cd /nowhere,')\"",
                          "host 10.0.0.1: ")):
        with open(os.path.join(directory, "ssh"), "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(os.path.join(directory, "ssh"), 0o755)
        done = recipes.run("cluster::start", path, PATH=directory + ":" + os.environ["PATH"])
        done.refused(EXIT_FAILED, said, "nothing was started")


@test
def test_cluster_runs_on_several_machines(place):
    """Start, calls, a machine cut off, one slowed down, one unplugged; collect and stop."""
    if os.geteuid() != 0:
        raise Skip("machines of their own are network namespaces, which need root")
    if reason := network.why_not():
        raise Skip(reason)
    # A process namespace as well: whatever happens in it, nothing of it outlives it.
    done = subprocess.run(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--",
                           sys.executable, WORLD, place.directory], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=WORLD_LIMIT_S)
    for line in done.stdout.splitlines()[-30:]:
        say(line)
    require(done.returncode == EXIT_OK, f"it ended with {local.describe_status(done.returncode)}")
