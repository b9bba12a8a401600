"""A record of the state is damaged, on the disk of a replica that is down or of one that runs: it is never
served, nor handed on; the replica starts again by itself and takes its state from the others, and it stays
who it was, with its disk, its log and its votes.

A bit flips in the value of one key, which is in a checkpoint of every replica and in no log any more. It
is found by whoever reads it: a leader that is asked for it, a follower that applies a change of it.
"""

import os
import shutil

from chain_tests import chain_of
from checkpoint_tests import each, figures, require_same_state, volume
from harness import EXIT_STORAGE
from harness import figure, followers, kill, local, require, say, test, wait_level, wait_until
from inspect_tests import flip_value, inspect
from load import Load
from snapshot_tests import order_checkpoint

SMALL = ["--checkpoint_mb", "1", "--log_tail_mb", "1"]
LIMIT_S = 120.0    # for anything here, on a slow machine
KEY, VALUE = "marker", "written-before-it-was-damaged"


def state_file(cluster, name):
    """Where a replica keeps its state."""
    return os.path.join(cluster.data_path(name), "state", "data.mdb")


def bury(cluster, client, names):
    """Writes the value, and goes on until it is in a checkpoint of each and in no log."""
    require(client.call(f"PUT {KEY} {VALUE}") == [f"PUT {KEY} not_found"], "a wrong answer")
    had = max(each(figures(cluster, names), "applier.applied_slot").values())
    with volume(cluster):
        wait_until("in no log", lambda: min(each(figures(cluster, names), "acceptor.cut_slot").values()) >
                   had, LIMIT_S)


def damage(cluster, name):
    """Flips a bit of the value in the state of a replica."""
    require(flip_value(state_file(cluster, name), VALUE.encode()) > 0, f"the value is not in {name}'s state")


def wait_repaired(cluster, name, lives):
    """Until the replica has said what it found, `lives` times so far, and has a whole state again."""
    def repaired():
        log = cluster.log(name)
        return log.count("is set aside") == lives and log.count("its state is whole again") == lives
    wait_until(f"repaired ({name})", repaired, LIMIT_S)
    require(not os.path.exists(os.path.join(cluster.data_path(name), "state.damaged")),
            "what was damaged is still there")
    require(figure(cluster, name, "acceptor.generation") == 1, f"{name} has another disk")
    found = cluster.log(name)
    require("state/data.mdb, page" in found and "the checksum of a record does not fit" in found,
            f"{name} did not say where: {found}")


def repair(place, pick, protocol=local.MULTIPAXOS, protocol_rf=3):
    """The victim's state is damaged while it is down, and once more while it runs."""
    names = [f"s0.{replica}" for replica in range(protocol_rf)]
    with place.cluster(managers=1, rf=protocol_rf, server_args=SMALL, protocol=protocol) as cluster:
        client = cluster.client()
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            bury(cluster, client, names)
            victim = pick(cluster)
            damaged_ns = kill(cluster, victim)
            damage(cluster, victim)
            found = inspect(cluster.data_path(victim), EXIT_STORAGE)
            require(found["damage"][0]["file"] == "state/data.mdb", f"madkv-inspect found {found['damage']}")
            cluster.restart(victim)
            require(client.call(f"SWAP {KEY} {VALUE}", timeout_s=LIMIT_S) == [f"SWAP {KEY} {VALUE}"],
                    "a wrong answer")
            wait_repaired(cluster, victim, 1)
            cluster.wait_healthy()
            bury_again(cluster, names)
            victim = pick(cluster)
            lives = cluster.log(victim).count("is set aside") + 1
            pid = cluster.pid(victim)
            damage(cluster, victim)
            require(client.call(f"GET {KEY}", timeout_s=LIMIT_S) == [f"GET {KEY} {VALUE}"], "a wrong answer")
            require(client.call(f"SWAP {KEY} other", timeout_s=LIMIT_S) == [f"SWAP {KEY} {VALUE}"],
                    "a wrong answer")
            wait_repaired(cluster, victim, lives)
            require(cluster.is_running(victim) and cluster.pid(victim) == pid, f"{victim} has ended")
            cluster.wait_healthy()
            load.wait(200)
        load.read_back()
        load.judge()
        load.require_after(damaged_ns, 100)
        require_same_state(cluster)
        require(client.call(f"GET {KEY}") == [f"GET {KEY} other"], "a wrong answer")
        taken = figures(cluster, names)[victim]["applier.takeovers"]
        say(f"{victim} found the damage, and took its state from the others ({taken} snapshot)")
        kill(cluster, victim)
        require(inspect(cluster.data_path(victim))["damage_count"] == 0, "something is damaged still")
        cluster.restart(victim)
        cluster.wait_healthy()


def bury_again(cluster, names):
    """Until each replica has everything of now in a checkpoint."""
    had = max(each(figures(cluster, names), "applier.applied_slot").values())
    with volume(cluster):
        wait_until("in a checkpoint", lambda: min(each(figures(cluster, names), "applier.saved_slot")
                                                  .values()) > had, LIMIT_S)


@test
def test_leader_with_a_damaged_state_is_repaired_from_the_others(place):
    """It is asked for what is damaged."""
    repair(place, lambda cluster: cluster.leader("s0"))


@test
def test_follower_with_a_damaged_state_is_repaired_from_the_others(place):
    """It applies a change of what is damaged."""
    repair(place, lambda cluster: followers(cluster, "s0")[0])


@test
def test_follower_of_five_with_a_damaged_state_is_repaired_from_the_others(place):
    """Among five."""
    repair(place, lambda cluster: followers(cluster, "s0")[0], protocol_rf=5)


@test
def test_head_with_a_damaged_state_is_repaired_from_the_others(place):
    """Of a chain: it is cut out, and is back at the tail."""
    repair(place, lambda cluster: chain_of(cluster)[0], protocol=local.CHAIN)


@test
def test_tail_with_a_damaged_state_is_repaired_from_the_others(place):
    """Of a chain: the one that knows what is acknowledged."""
    repair(place, lambda cluster: chain_of(cluster)[-1], protocol=local.CHAIN)


@test
def test_manager_with_a_damaged_state_is_repaired_from_the_others(place):
    """It begins from its checkpoint, so it finds the damage when it starts; its log has all there is."""
    with place.cluster(rf=1, manager_args=["--allow_admin"]) as cluster:
        victim = followers(cluster, "m")[0]
        wait_level(cluster, "m")
        order_checkpoint(cluster, victim)
        kill(cluster, victim)
        require(flip_value(state_file(cluster, victim), cluster.topology.address("s0.0").encode()) > 0,
                "the map is not in the checkpoint")
        require(inspect(cluster.data_path(victim), EXIT_STORAGE)["damage_count"] > 0, "no damage")
        cluster.restart(victim)
        cluster.wait_healthy()
        wait_level(cluster, "m")
        require("is set aside" in cluster.log(victim), "it did not say what it found")
        require(figure(cluster, victim, "map.servers_registered") == 1, "the map is not whole")


@test
def test_damaged_state_of_a_replica_alone_ends_it_with_one_line(place):
    """Nobody has another one: nothing is served, and nothing is touched."""
    with place.cluster(managers=1, rf=1, server_args=SMALL) as cluster:
        client = cluster.client()
        bury(cluster, client, ["s0.0"])
        kept = place.path("kept")
        kill(cluster, "s0.0")
        shutil.copytree(cluster.data_path("s0.0"), kept)
        damage(cluster, "s0.0")
        already_said = len(cluster.log("s0.0").splitlines())
        cluster.restart("s0.0")
        client.send(f"GET {KEY}")
        wait_until("ended", lambda: not cluster.is_running("s0.0"))
        status, said = cluster.exit_status("s0.0"), cluster.log("s0.0").splitlines()[already_said:]
        cluster.kill("s0.0")
        require(status == EXIT_STORAGE and "alone in its group" in said[-1] and "page" in said[-1],
                f"it ended with {status} and said {said[-1]}")
        require(not os.path.exists(os.path.join(cluster.data_path("s0.0"), "state.damaged")), "moved")
        shutil.rmtree(cluster.data_path("s0.0"))
        shutil.move(kept, cluster.data_path("s0.0"))
        cluster.restart("s0.0")
        require(client.receive(LIMIT_S) == [f"GET {KEY} {VALUE}"], "a wrong answer")
        cluster.wait_healthy()
