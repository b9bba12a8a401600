"""Snapshots: a replica that was away while the others cut the log it would need comes back by a
snapshot, under load, whoever dies in the middle; and a replica that is down costs the others no disk.
"""

import os
import time

from checkpoint_tests import VALUE_BYTES, each, figures, require_same_state, volume
from harness import figure, kill, require, say, test, wait_until
from load import Load

AWAY = "s0.2"             # who is away
OTHERS = ("s0.0", "s0.1")
AWAY_BYTES = 250e6        # through the log of the others meanwhile: several tails
VOLUME_LIMIT_S = 200.0    # on a slow machine
COME_BACK_S = 120.0       # likewise
LOG_BYTES_MAX = 300e6     # of a log, its tail and what fragments around it


def write_while_away(cluster):
    """Kills one replica and writes until the others have cut what it would need."""
    had = figure(cluster, AWAY, "acceptor.chosen_slot")
    killed_ns = kill(cluster, AWAY)
    first = each(figures(cluster, OTHERS), "log.bytes_written")

    def written():
        found = figures(cluster, OTHERS)
        more = {name: each(found, "log.bytes_written")[name] - first[name] for name in OTHERS}
        return min(more.values()) > AWAY_BYTES and \
            min(each(found, "acceptor.cut_slot").values()) > had
    wait_until("so much written, and the log cut", written, VOLUME_LIMIT_S)
    return killed_ns


def wait_back(cluster, installs=1):
    """Until the replica that was away has installed a snapshot and is no longer behind."""
    def back():
        return figure(cluster, AWAY, "applier.takeovers") >= installs and \
            figure(cluster, AWAY, "applier.applied_slot") + 1000 > \
            figure(cluster, OTHERS[0], "applier.applied_slot")
    wait_until("back by a snapshot", back, COME_BACK_S)


@test
def test_replica_comes_back_by_a_snapshot_under_load(place):
    """Down while several tails are written; the others' logs stay small; then it is back."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                began = time.monotonic()
                killed_ns = write_while_away(cluster)
                wrote_s = time.monotonic() - began
                logs = each(figures(cluster, OTHERS), "log.file_bytes")
                require(max(logs.values()) < LOG_BYTES_MAX, f"logs of {logs}")
                cluster.restart(AWAY)
                began = time.monotonic()
                wait_back(cluster)
                back_s = time.monotonic() - began
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        held = require_same_state(cluster)
        sent = figures(cluster, OTHERS)
        require(sum(each(sent, "streamer.snapshots_sent").values()) >= 1, "nobody sent a snapshot")
        require("installed the snapshot" in cluster.log(AWAY), "it does not say so")
        say(f"{AWAY_BYTES / 1e6:.0f} MB of {VALUE_BYTES} byte values in {wrote_s:.0f} s, no log above "
            f"{max(logs.values()) / 1e6:.0f} MB; back within {back_s:.1f} s by a snapshot of "
            f"{held / 1e6:.0f} MB, under load")


def wait_fetching(cluster):
    """Until some of a snapshot is on the disk of the replica that was away."""
    path = os.path.join(cluster.data_path(AWAY), "state", "data.mdb")
    before = os.stat(path).st_mtime_ns
    wait_until("a snapshot on its way", lambda: "fetching a snapshot" in cluster.log(AWAY), COME_BACK_S)
    deadline = time.monotonic() + COME_BACK_S
    while os.stat(path).st_mtime_ns == before:
        require(time.monotonic() < deadline, "none of it was written")
        time.sleep(0.001)


@test
def test_kill_of_receiver_and_server_in_the_middle_of_a_snapshot(place):
    """The receiver is killed as it stages a snapshot, twice; then whoever serves it is."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                killed_ns = write_while_away(cluster)
                for _ in range(2):
                    cluster.restart(AWAY)
                    wait_fetching(cluster)
                    kill(cluster, AWAY)
                cluster.restart(AWAY)
                wait_fetching(cluster)
                served_by = next((name for name in OTHERS
                                  if f"sending replica 2" in cluster.log(name)), OTHERS[0])
                kill(cluster, served_by)
                cluster.restart(served_by)
                wait_back(cluster)
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        require_same_state(cluster)
