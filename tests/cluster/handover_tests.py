"""Leadership changes hands on purpose: nodes are told to end, one after the other, under load.

Of a node that is told to end (SIGTERM) STATUS proves before what it is, and its exit status and log
prove after that it ended in good order. What a client may notice is a pause; how long the longest one
was is printed, and it has to stay under a second where nothing slows the programs down.
"""

import os
import re
import time

from harness import require, say, test, wait_level
from load import Load

CALLS = 600
PAUSE_LIMIT_S = {"rel": 1.0}        # by build; sanitized programs are several times slower
PAUSE_LIMIT_OTHERS_S = 10.0


def pause_limit_s():
    """What a client may be made to wait."""
    return PAUSE_LIMIT_S.get(os.environ["MADKV_BUILD"], PAUSE_LIMIT_OTHERS_S)


def report_pause(load, since_ns):
    """Says how long the client that noticed most was made to wait, and requires that it was short."""
    longest_s = load.longest_gap_s(since_ns)
    say(f"longest time a client went without an answer: {longest_s:.3f} s; {load.answered} calls, "
        f"{load.answered_after(since_ns)} of them after the first node was told to end")
    require(longest_s < pause_limit_s(), f"a client went without an answer for {longest_s:.2f} s")


def end(cluster, name):
    """SIGTERM; it has to end by itself, with status 0."""
    status = cluster.terminate(name)
    require(status == 0, f"SIGTERM ended {name} with {status}")


@test
def test_leader_told_to_end_hands_over(place):
    """Another one leads at once, though nobody was silent; what it said says why."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(CALLS)
            began_ns = time.monotonic_ns()
            victim = cluster.leader("s0")
            end(cluster, victim)
            successor = cluster.leader("s0", other_than=victim)
            load.wait(CALLS)
        load.judge()
        report_pause(load, began_ns)
        said = cluster.log(victim)
        require(re.search(r"leads no more: group s0 .*: this process is ending", said),
                f"{victim} did not say why it leads no more:\n{said}")
        require("elected: group s0" in cluster.log(successor), f"{successor} was not elected")


def roll(place, rf):
    """Restarts every node of a cluster, one at a time, under load."""
    with place.cluster(managers=3, partitions=2, rf=rf) as cluster:
        with Load(cluster, place.path("history"), keys=8, fresh=0.1) as load:
            load.wait(CALLS)
            began_ns = time.monotonic_ns()
            leaders = 0
            for name in cluster.names:
                leaders += cluster.leader(name.split(".")[0]) == name
                end(cluster, name)
                load.wait(50)
                cluster.restart(name)
                cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(began_ns)
        say(f"{len(cluster.names)} nodes were restarted, {leaders} of them leaders by STATUS")
        require(leaders > 0, "no leader was among them")
        report_pause(load, began_ns)
        for group in cluster.topology.groups:
            wait_level(cluster, group)


@test
def test_rolling_restart_of_three_replicas_under_load(place):
    """Managers, then servers, one at a time: no answer is lost, and no call takes over a second."""
    roll(place, 3)


@test
def test_rolling_restart_of_five_replicas_under_load(place):
    """The same with partitions of five."""
    roll(place, 5)
