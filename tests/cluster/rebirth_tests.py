"""Disks are lost, or what they promised is damaged: the same command on an empty directory brings the
replica back, and it votes only once the others have told it what the old disk may have promised.

Every victim's vote is proved afterwards: another replica dies, and the group can go on only with it.
"""

import os
import shutil
import time

from chain_tests import chain_of, wait_chain
from harness import EXIT_IDENTITY, EXIT_STORAGE, WAIT_TIMEOUT_S
from harness import figure, followers, kill, local, replicas, require, run, say, test, wait_level
from harness import wait_until
from load import Load

CALLS = 1000


def wipe(cluster, name):
    """Kills a node and takes everything in its directory away."""
    killed_ns = kill(cluster, name)
    shutil.rmtree(cluster.data_path(name))
    return killed_ns


def damage_hard_state(cluster, name):
    """Flips a bit of the record of what the dead node promised, in every page that holds one."""
    path = os.path.join(cluster.data_path(name), "data.mdb")
    with open(path, "r+b") as file:
        content = bytearray(file.read())
        key, at, found = b"hard_state", 0, 0
        while (at := content.find(key, at)) >= 0:
            content[at + len(key) + 4] ^= 1   # of the checksum
            at += len(key)
            found += 1
        file.seek(0)
        file.write(content)
    require(found > 0, f"{path} holds no hard state")


def wait_vote(cluster, name):
    """Waits until the node says that its disk votes; and people were told why it did not."""
    began = time.monotonic()
    wait_until(f"{name} voting", lambda: figure(cluster, name, "acceptor.admitted") == 1)
    log = cluster.log(name)
    for words in ("reborn: this replica had another disk before", "reborn: bound to ballot",
                  "votes again"):
        require(words in log, f"{name} did not say {words!r}")
    return time.monotonic() - began


def require_vote(cluster, load, group, name):
    """Kills all but `name` and as many more as make a majority with it."""
    wait_level(cluster, group)
    members = [replica["node"] for replica in replicas(cluster.status(), group)]
    others = [member for member in members if member != name]
    leader = cluster.leader(group)
    victims = ([leader] if leader != name else []) + \
              [member for member in others if member != leader]
    victims = victims[:len(members) // 2]
    killed_ns = kill(cluster, *victims)
    load.wait(CALLS)
    cluster.leader(group, other_than=victims[0])
    for victim in victims:
        cluster.restart(victim)
    cluster.wait_healthy()
    return killed_ns


def lose_and_return(place, group, pick, rf=3):
    """A victim of `group` loses its disk under load, comes back, and then others die."""
    with place.cluster(managers=3, rf=rf) as cluster:
        with Load(cluster, place.path("history"), fresh=0.1) as load:
            load.wait(CALLS)
            victim = pick(cluster)
            wiped_ns = wipe(cluster, victim)
            load.wait(200)
            cluster.restart(victim)
            took = wait_vote(cluster, victim)
            say(f"{victim} voted again {took:.1f} s after it was seen up")
            load.wait(CALLS)
            cluster.wait_healthy()
            if group == "s0":
                require_vote(cluster, load, group, victim)
            else:
                others = [name for name in ("m.0", "m.1", "m.2") if name != victim]
                kill(cluster, others[0])
                cluster.leader("m", other_than=others[0])
                with cluster.client() as joined:
                    require(joined.call("PUT joined yes") == ["PUT joined not_found"], "wrong answer")
                cluster.restart(others[0])
                cluster.wait_healthy()
            load.wait(200)
        load.read_back()
        load.judge()
        load.require_after(wiped_ns)
        wait_level(cluster, group)


@test
def test_wiped_follower_comes_back_and_its_vote_counts(place):
    """The same command on an empty directory."""
    lose_and_return(place, "s0", lambda cluster: followers(cluster, "s0")[0])


@test
def test_wiped_leader_comes_back_and_its_vote_counts(place):
    """It led when it died."""
    lose_and_return(place, "s0", lambda cluster: cluster.leader("s0"))


@test
def test_wiped_leader_of_five_comes_back_and_its_vote_counts(place):
    """Then two others die."""
    lose_and_return(place, "s0", lambda cluster: cluster.leader("s0"), rf=5)


@test
def test_wiped_manager_comes_back_and_its_vote_counts(place):
    """Managers learn from each other which disk is new."""
    lose_and_return(place, "m", lambda cluster: followers(cluster, "m")[0])


@test
def test_wiped_leading_manager_comes_back_and_its_vote_counts(place):
    """The one that answered the servers."""
    lose_and_return(place, "m", lambda cluster: cluster.leader("m"))


@test
def test_replica_wiped_again_and_again_comes_back(place):
    """Three disks in a row, the last two killed as soon as they say that they are reborn."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(200)
            victim = followers(cluster, "s0")[0]
            first_ns = wipe(cluster, victim)
            for lives in (1, 2):
                cluster.restart(victim)
                wait_until("reborn", lambda: cluster.log(victim).count("asks the others") >= lives)
                wipe(cluster, victim)
            cluster.restart(victim)
            wait_vote(cluster, victim)
            require(figure(cluster, victim, "acceptor.generation") == 4, "that is not its fourth disk")
            require_vote(cluster, load, "s0", victim)
        load.judge()
        load.require_after(first_ns)


# A rebirth, from the first write to the empty directory to the first votes.
STEPS = ("identity.before:1", "start.after:1", "identity.after:1", "identity.before:2",
         "commit.before:1", "commit.after:1", "send.before:1", "commit.before:2", "commit.after:2",
         "send.after:8", "commit.after:4", "commit.before:8")
# A manager's identity is written once, and few things are ever written by managers at rest.
MANAGER_STEPS = [step for step in STEPS[:9] if step != "identity.before:2"]


def die_at(cluster, name, step):
    """Starts a node so that it dies there."""
    cluster.restart(name, env={"MADKV_CRASH_AT": step})
    wait_until(f"{name} dead at {step}", lambda: not cluster.is_running(name))
    require(cluster.exit_status(name) == -9, f"{name} ended with {cluster.exit_status(name)}")
    cluster.kill(name)   # it is dead; that was meant


@test
def test_replica_that_dies_at_any_step_of_its_rebirth_comes_back(place):
    """Half of the deaths find it half reborn, the others on an empty directory."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(200)
            victim = followers(cluster, "s0")[0]
            killed_ns = kill(cluster, victim)
            for number, step in enumerate(STEPS):
                if number % 2 == 0 or "identity" in step:
                    shutil.rmtree(cluster.data_path(victim))
                die_at(cluster, victim, step)
            load.wait(CALLS)
            cluster.restart(victim)
            wait_until("voting", lambda: figure(cluster, victim, "acceptor.admitted") == 1)
            require_vote(cluster, load, "s0", victim)
        load.read_back()
        load.judge()
        load.require_after(killed_ns)


@test
def test_manager_that_dies_at_any_step_of_its_rebirth_comes_back(place):
    """The same, where peers say which disk is new; it gets no birth from anybody."""
    with place.cluster() as cluster:
        victim = followers(cluster, "m")[0]
        kill(cluster, victim)
        for number, step in enumerate(MANAGER_STEPS):
            if number % 2 == 0 or "identity" in step:
                shutil.rmtree(cluster.data_path(victim))
            die_at(cluster, victim, step)
        cluster.restart(victim)
        wait_until("voting", lambda: figure(cluster, victim, "acceptor.admitted") == 1)
        other = next(name for name in ("m.0", "m.1", "m.2") if name != victim)
        kill(cluster, other)
        cluster.leader("m", other_than=other)
        with cluster.client() as joined:
            require(joined.call("PUT joined yes") == ["PUT joined not_found"], "wrong answer")
        cluster.restart(other)
        cluster.wait_healthy()


def lose_promises(place, name_of, group):
    """The hard state of a replica is damaged while it is down."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(CALLS)
            victim = name_of(cluster)
            killed_ns = kill(cluster, victim)
            damage_hard_state(cluster, victim)
            cluster.restart(victim)
            wait_vote(cluster, victim)
            require("what this replica promised is damaged" in cluster.log(victim),
                    "it did not say what was wrong")
            load.wait(CALLS)
            if group == "s0":
                require_vote(cluster, load, group, victim)
        load.judge()
        load.require_after(killed_ns)
        wait_level(cluster, group)


@test
def test_server_with_damaged_promises_is_reborn(place):
    """One flipped bit in data.mdb."""
    lose_promises(place, lambda cluster: cluster.leader("s0"), "s0")


@test
def test_manager_with_damaged_promises_is_reborn(place):
    """The same of a manager."""
    lose_promises(place, lambda cluster: followers(cluster, "m")[0], "m")


def put_back(place, cluster, victims):
    """Replicas that run on wrong directories get back their own, which were moved aside."""
    kill(cluster, *victims)
    for victim in victims:
        shutil.rmtree(cluster.data_path(victim))
        shutil.move(place.path(victim), cluster.data_path(victim))
        cluster.restart(victim)
    cluster.wait_healthy()


def wiped_majority(place, group):
    """Two of three start on wrong directories: nobody can know what was answered, so nothing is, until
    their own are back."""
    with place.cluster(protocol=local.MULTIPAXOS) as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        victims = followers(cluster, group)
        require(len(victims) == 2, f"followers: {victims}")
        kill(cluster, *victims)
        for victim in victims:
            shutil.move(cluster.data_path(victim), place.path(victim))
        for victim in victims:
            cluster.restart(victim)
        for victim in victims:
            other = victims[1 - victims.index(victim)]
            wait_until("told whom it waits for",
                       lambda: f"for replica {other[-1]}" in cluster.log(victim))
        if group == "s0":
            with cluster.client(args=["--timeout", "5"]) as asker:
                answer = asker.call("GET k")[0]
                require(answer.startswith("ERROR timeout"), f"it was told {answer!r}")
        else:
            for victim in victims:
                require(figure(cluster, victim, "acceptor.admitted") == 0, f"{victim} votes afresh")
        put_back(place, cluster, victims)
        require(client.call("GET k", timeout_s=WAIT_TIMEOUT_S) == ["GET k v"], "the value is gone")


@test
def test_majority_wiped_at_once_waits_and_goes_on_with_its_disks(place):
    """Servers: they are not even registered. Of a chain they come back one by one."""
    wiped_majority(place, "s0")


@test
def test_majority_of_managers_wiped_at_once_waits_and_goes_on_with_its_disks(place):
    """Managers: the third one has nothing newer written down."""
    wiped_majority(place, "m")


@test
def test_replica_that_is_up_is_not_reborn_elsewhere(place):
    """A second process, on a directory of its own: the first one goes on, and comes back."""
    with place.cluster(managers=1) as cluster:
        victim = followers(cluster, "s0")[0]
        flags = cluster.topology.flags(victim, place.path("second"))
        run("madkv-server", flags).refused(EXIT_IDENTITY, "is up already",
                                           cluster.topology.address(victim))
        kill(cluster, victim)
        cluster.restart(victim)
        cluster.wait_healthy()


@test
def test_directory_that_was_replaced_is_refused(place):
    """The old disk turns up after its replica has come back on a new one."""
    with place.cluster() as cluster:
        for group in ("s0", "m"):
            victim = followers(cluster, group)[0]
            kill(cluster, victim)
            shutil.move(cluster.data_path(victim), place.path("aside"))
            cluster.restart(victim)
            wait_vote(cluster, victim)
            kill(cluster, victim)
            shutil.move(cluster.data_path(victim), place.path("new"))
            shutil.move(place.path("aside"), cluster.data_path(victim))
            done = run(cluster.topology.program(victim),
                       cluster.topology.flags(victim, cluster.data_path(victim)))
            require(done.status == EXIT_IDENTITY and "out of date" in done.stderr,
                    f"ended with {done.status}: {done.stderr!r}")
            shutil.rmtree(cluster.data_path(victim))
            shutil.move(place.path("new"), cluster.data_path(victim))
            cluster.restart(victim)
            cluster.wait_healthy()


@test
def test_replica_alone_is_reborn_only_if_told_so(place):
    """At rf 1 nobody else has the data: its loss takes a person's word."""
    with place.cluster(managers=1, rf=1) as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        flags = cluster.topology.flags("s0.0", cluster.data_path("s0.0"))
        kill(cluster, "s0.0")
        damage_hard_state(cluster, "s0.0")
        run("madkv-server", flags).refused(EXIT_STORAGE, cluster.data_path("s0.0"), "damaged",
                                           "--accept_data_loss")
        shutil.move(cluster.data_path("s0.0"), place.path("aside"))
        for _ in range(2):
            run("madkv-server", flags).refused(EXIT_IDENTITY, cluster.data_path("s0.0"),
                                               "--accept_data_loss")
        cluster.restart("s0.0", args=["--accept-data-loss"])
        require(client.call("GET k", timeout_s=WAIT_TIMEOUT_S) == ["GET k null"], "not empty")
        kill(cluster, "s0.0")
        cluster.restart("s0.0")   # from then on it is the disk of this replica
        cluster.wait_healthy()


# --- chains: who lost its disk is cut out, and joins at the tail as somebody else ---

def stand_alone(cluster, load, victim):
    """Kills everybody else of the chain: what the victim holds is all there is."""
    others = [name for name in chain_of(cluster) if name != victim]
    killed_ns = kill(cluster, *others)
    wait_chain(cluster, [victim])
    load.wait(CALLS)
    for name in others:
        cluster.restart(name)
    cluster.wait_healthy()
    return killed_ns


def lose_in_chain(place, at, lose, generation=2):
    """The member at that place loses its disk under load, comes back, and then the others die."""
    with place.cluster(protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history"), fresh=0.1) as load:
            load.wait(CALLS)
            members = chain_of(cluster)
            victim = members.pop(at)
            lose(cluster, victim)
            began = time.monotonic()
            cluster.restart(victim)
            after = wait_chain(cluster, [*members, victim])
            require(after == [*members, victim], f"the order is {after}; expected {victim} last")
            cluster.wait_healthy()
            say(f"{victim} was the tail, and held everything, {time.monotonic() - began:.1f} s after its "
                f"start")
            require(figure(cluster, victim, "acceptor.generation") == generation,
                    f"{victim} is not on disk {generation}")
            alone_ns = stand_alone(cluster, load, victim)
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(alone_ns)
        wait_level(cluster, "s0")


@test
def test_wiped_head_of_a_chain_comes_back_and_holds_everything(place):
    """The same command on an empty directory."""
    lose_in_chain(place, 0, wipe)


@test
def test_wiped_tail_of_a_chain_comes_back_and_holds_everything(place):
    """The one that acknowledged."""
    lose_in_chain(place, -1, wipe)


@test
def test_member_of_a_chain_with_a_damaged_epoch_comes_back(place):
    """One flipped bit in data.mdb: it no longer knows which epochs it may refuse."""
    def damage(cluster, name):
        kill(cluster, name)
        damage_hard_state(cluster, name)
    lose_in_chain(place, 1, damage)


@test
def test_member_of_a_chain_that_dies_at_any_step_of_its_rebirth_comes_back(place):
    """Half of the deaths find it half reborn, the others on an empty directory."""
    with place.cluster(managers=1, protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(200)
            members = chain_of(cluster)
            victim = members.pop()
            kill(cluster, victim)
            for number, step in enumerate(STEPS):
                if number % 2 == 0 or "identity" in step:
                    shutil.rmtree(cluster.data_path(victim), ignore_errors=True)
                die_at(cluster, victim, step)
            load.wait(CALLS)
            cluster.restart(victim)
            wait_chain(cluster, [*members, victim])
            cluster.wait_healthy()
            alone_ns = stand_alone(cluster, load, victim)
        load.read_back()
        load.judge()
        load.require_after(alone_ns)


@test
def test_chain_wiped_whole_waits_and_goes_on_with_its_disks(place):
    """All three start on wrong directories: none of them takes the place of its own."""
    with place.cluster(managers=1, protocol=local.CHAIN) as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        victims = chain_of(cluster)
        kill(cluster, *victims)
        for victim in victims:
            shutil.move(cluster.data_path(victim), place.path(victim))
            cluster.restart(victim)
        for victim in victims:
            wait_until("told what it waits for",
                       lambda: "holds all that was answered; waiting" in cluster.log(victim))
        with cluster.client(args=["--timeout", "5"]) as asker:
            answer = asker.call("GET k")[0]
            require(answer.startswith("ERROR timeout"), f"it was told {answer!r}")
        put_back(place, cluster, victims)
        require(client.call("GET k", timeout_s=WAIT_TIMEOUT_S) == ["GET k v"], "the value is gone")


@test
def test_chain_of_one_begins_anew_only_if_told_so(place):
    """At rf 1 nobody else has the data: its loss takes a person's word."""
    with place.cluster(managers=1, rf=1, protocol=local.CHAIN) as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        flags = cluster.topology.flags("s0.0", cluster.data_path("s0.0"))
        wipe(cluster, "s0.0")
        run("madkv-server", flags).refused(EXIT_IDENTITY, cluster.data_path("s0.0"),
                                           "--accept_data_loss")
        cluster.restart("s0.0", args=["--accept-data-loss"])
        require(client.call("GET k", timeout_s=WAIT_TIMEOUT_S) == ["GET k null"], "not empty")
        cluster.wait_healthy()
