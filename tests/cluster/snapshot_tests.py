"""Snapshots: a replica that was away while the others cut the log it would need comes back by a
snapshot, under load, whoever dies in the middle; and a replica that is down costs the others no disk.

With small checkpoints and a short tail of the log, so that little must be written.
"""

import time

import zmtp
from checkpoint_tests import each, figures, require_same_state, volume
from harness import figure, kill, local, require, say, test, wait_until
from load import Load

AWAY = "s0.2"             # who is away
OTHERS = ("s0.0", "s0.1")
SMALL = ["--checkpoint_mb", "4", "--log_tail_mb", "4"]
AWAY_BYTES = 40e6         # through the log of the others meanwhile: several tails
GIGABYTE = 1e9
GIGABYTE_LIMIT_S = 300.0  # for writing that much
LOG_BYTES_MAX = 60e6      # of a log: its tail, what is in no checkpoint yet, what fragments around it
LIMIT_S = 120.0           # for anything here, on a slow machine
MANAGERS = 0xffffffff     # their group
MOVE_LEADER, CHECKPOINT = 1, 2   # what an ADMIN asks for


def write_while_away(cluster):
    """Kills one replica and writes until the others have cut what it would need."""
    had = figure(cluster, AWAY, "acceptor.chosen_slot")
    killed_ns = kill(cluster, AWAY)
    write_past(cluster, had)
    return killed_ns


def write_past(cluster, had, more_bytes=AWAY_BYTES, limit_s=LIMIT_S):
    """Waits until so much more is written, and the log cut past that slot."""
    first = each(figures(cluster, OTHERS), "log.bytes_written")

    def written():
        found = figures(cluster, OTHERS)
        more = {name: each(found, "log.bytes_written")[name] - first[name] for name in OTHERS}
        return min(more.values()) > more_bytes and \
            min(each(found, "acceptor.cut_slot").values()) > had
    wait_until("so much written, and the log cut", written, limit_s)


def wait_back(cluster):
    """Until the replica that was away has installed a snapshot and is no longer behind."""
    def back():
        return figure(cluster, AWAY, "applier.takeovers") > 0 and \
            figure(cluster, AWAY, "applier.applied_slot") + 1000 > \
            figure(cluster, OTHERS[0], "applier.applied_slot")
    wait_until("back by a snapshot", back, LIMIT_S)


def come_back_by_a_snapshot(place, protocol):
    """Down while several tails are written; the others' logs stay small; then it is back."""
    with place.cluster(managers=1, server_args=SMALL, protocol=protocol) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                killed_ns = write_while_away(cluster)
                logs = each(figures(cluster, OTHERS), "log.file_bytes")
                require(max(logs.values()) < LOG_BYTES_MAX, f"logs of {logs}")
                cluster.restart(AWAY)
                wait_back(cluster)
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        held = require_same_state(cluster)
        sent = figures(cluster, OTHERS)
        require(sum(each(sent, "streamer.snapshots_sent").values()) >= 1, "nobody sent a snapshot")
        fetched = [line for line in cluster.log(AWAY).splitlines() if "installed the snapshot" in line]
        require(fetched, "it does not say so")
        say(f"no log above {max(logs.values()) / 1e6:.0f} MB; a state of {held / 1e6:.0f} MB came back "
            f"under load; it said: {fetched[0].split(': ', 1)[-1]}")


@test
def test_replica_comes_back_by_a_snapshot_under_load(place):
    """While the other two choose what is written."""
    come_back_by_a_snapshot(place, local.MULTIPAXOS)


@test
def test_replica_of_a_chain_comes_back_by_a_snapshot_under_load(place):
    """The other two are the chain meanwhile."""
    come_back_by_a_snapshot(place, local.CHAIN)


@test
def test_replica_that_was_down_while_a_gigabyte_was_written_comes_back(place):
    """With checkpoints and a tail as large as they are by default; then its vote is needed."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                had = figure(cluster, AWAY, "acceptor.chosen_slot")
                killed_ns = kill(cluster, AWAY)
                write_past(cluster, had, GIGABYTE, GIGABYTE_LIMIT_S)
                began = time.monotonic()
                cluster.restart(AWAY)
                wait_back(cluster)
                took_s = time.monotonic() - began
            load.wait(100)
            cluster.wait_healthy()
            other = OTHERS[0]
            kill(cluster, other)
            load.wait(100)   # chosen by the two that are left
            cluster.restart(other)
            cluster.wait_healthy()
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        held = require_same_state(cluster)
        say(f"a state of {held / 1e6:.0f} MB; level again {took_s:.1f} s after its start, under full load")


def die_amid_a_snapshot(place, protocol):
    """The receiver dies before and after a part is durable and around the install, one life after the
    other; the server in the middle of sending. Then it comes back all the same."""
    with place.cluster(managers=1, server_args=SMALL, protocol=protocol) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                killed_ns = write_while_away(cluster)
                for point in ("stage.before:1", "stage.after:2", "install.before:1"):
                    cluster.restart(AWAY, env={"MADKV_CRASH_AT": point})
                    wait_until(f"dead at {point}", lambda: not cluster.is_running(AWAY), LIMIT_S)
                    require(cluster.exit_status(AWAY) == -9, f"{AWAY} ended otherwise at {point}")
                    cluster.kill(AWAY)   # it is dead; that was meant
                cluster.restart(AWAY)
                wait_until("a snapshot on its way",
                           lambda: "fetching a snapshot" in cluster.log(AWAY), LIMIT_S)
                server = next((name for name in OTHERS
                               if "sending replica 2" in cluster.log(name)), OTHERS[1])
                kill(cluster, server)
                cluster.restart(server)
                cluster.wait_healthy()
                wait_back(cluster)
                had = figure(cluster, AWAY, "acceptor.chosen_slot")
                kill(cluster, AWAY)
                write_past(cluster, had)
                cluster.restart(AWAY, env={"MADKV_CRASH_AT": "install.after:1"})
                wait_until("dead after an install", lambda: not cluster.is_running(AWAY), LIMIT_S)
                cluster.kill(AWAY)
                cluster.restart(AWAY)
                cluster.wait_healthy()
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        require_same_state(cluster)


@test
def test_death_of_receiver_or_server_amid_a_snapshot_is_made_up_for(place):
    """Among replicas that vote."""
    die_amid_a_snapshot(place, local.MULTIPAXOS)


@test
def test_death_of_receiver_or_server_amid_a_snapshot_for_a_chain_is_made_up_for(place):
    """The server is a member of it, and the other one holds everything too."""
    die_amid_a_snapshot(place, local.CHAIN)


def order(cluster, name, action, replica=255):
    """Gives a manager an order."""
    with zmtp.dealer(cluster.topology.address(name)) as connection:
        connection.sendall(zmtp.message(zmtp.head("ADMIN", {"action": action, "replica": replica},
                                                  group=MANAGERS)))
        connection.recv(1)


def order_checkpoint(cluster, name):
    """Has a manager make a checkpoint, and waits until it has one of all that it has applied by now."""
    applied = figure(cluster, name, "applier.applied_slot")
    order(cluster, name, CHECKPOINT)
    wait_until(f"{name} has a checkpoint",
               lambda: figure(cluster, name, "applier.saved_slot") >= applied)


@test
def test_manager_comes_back_by_a_snapshot(place):
    """The managers' log is as short as the servers', and what they hold comes as a snapshot too."""
    flags = ["--allow_admin", "--log_tail_mb", "0"]
    with place.cluster(partitions=1, rf=1, manager_args=flags) as cluster:
        away = next(name for name in ("m.0", "m.1", "m.2") if name != cluster.leader("m"))
        others = [name for name in ("m.0", "m.1", "m.2") if name != away]
        had = figure(cluster, away, "acceptor.chosen_slot")
        kill(cluster, away)

        def cut():
            # Each new leader's first batch goes into the log, and each commit may cut.
            for name in others:
                order_checkpoint(cluster, name)
            leader = cluster.leader("m")
            other = next(name for name in others if name != leader)
            order(cluster, leader, MOVE_LEADER, int(other.split(".")[1]))
            return all(figure(cluster, name, "acceptor.cut_slot") > had for name in others)
        wait_until("cut at the managers", cut, LIMIT_S)
        cluster.restart(away)
        wait_until("back by a snapshot", lambda: figure(cluster, away, "applier.takeovers") > 0)
        cluster.wait_healthy()
