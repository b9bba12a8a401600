"""Partitions that run as chains (--protocol chain): head, middle and tail die, stop, or lose sight of
the managers or of each other, under load.

Every victim is proved by STATUS to be in the place it is called by before it is hit. The record of all
calls is judged, and afterwards the chain has to be whole again.
"""

import json
import time

from harness import figure, hold, kill, local, replicas, require, run, say, test, wait_level
from harness import WAIT_TIMEOUT_S
from load import Load

CALLS = 1000
LINK_PATIENCE_S = 4.0   # longer than a connection may be silent
ROUNDS = 3
LEASE_S = 2.2
LEASE_PULSES = 40      # that three replicas send in more than a lease
GAP_LIMIT_S = 10.0   # generous, for CI; the figure is printed, and it should be under 3


def chain_of(cluster, group="s0"):
    """Names of the members of a chain, head first, once all of them act in one epoch."""
    def find(status):
        members = [replica for replica in replicas(status, group) if replica["up"]
                   and replica["pid"] == cluster.pid(replica["node"])
                   and "chain.position" in replica["figures"]]
        places = {replica["figures"]["chain.position"]: replica["node"] for replica in members}
        epochs = {replica["figures"]["chain.epoch"] for replica in members}
        count = members[0]["figures"]["chain.members"] if members else 0
        if len(epochs) != 1 or count == 0 or sorted(places) != list(range(count)):
            return None
        return [places[place] for place in range(count)]
    return cluster.wait_for(f"one chain ({group})", find, WAIT_TIMEOUT_S)


def wait_members(cluster, members, group="s0"):
    """Waits until each of those says that they are the chain, whatever others say."""
    def find(status):
        said = [replica["figures"].get("chain.members") for replica in replicas(status, group)
                if replica["up"] and replica["node"] in members]
        return said == [len(members)] * len(members)
    cluster.wait_for(f"a chain of {members}", find, WAIT_TIMEOUT_S)


def wait_chain(cluster, members, group="s0"):
    """Waits until exactly those are the chain, in any order."""
    deadline = time.monotonic() + WAIT_TIMEOUT_S
    while (now := chain_of(cluster, group)) and sorted(now) != sorted(members):
        require(time.monotonic() < deadline, f"the chain is {now}, not of {members}")
    return now


def report(load, since_ns):
    """Says how long the client waited that noticed it most."""
    gap_s = load.longest_gap_s(since_ns)
    say(f"longest time a client went without an answer: {gap_s:.2f} s; "
        f"{load.answered_after(since_ns)} calls answered after the fault")
    require(gap_s < GAP_LIMIT_S, f"a client went without an answer for {gap_s:.2f} s")


def kill_and_bring_back(place, at):
    """kill -9 of the member at that place of a chain of three; it returns as the tail."""
    with place.cluster(protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history"), keys=6, fresh=0.1) as load:
            load.wait(CALLS)
            members = chain_of(cluster)
            victim = members.pop(at)
            killed_ns = kill(cluster, victim)
            load.wait(CALLS)
            wait_chain(cluster, members)
            cluster.restart(victim)
            after = wait_chain(cluster, [*members, victim])
            require(after == [*members, victim], f"the order is {after}; expected {victim} last")
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(killed_ns)
        report(load, killed_ns)
        wait_level(cluster, "s0")


@test
def test_chain_whose_head_is_killed_goes_on(place):
    """The second becomes the head."""
    kill_and_bring_back(place, 0)


@test
def test_chain_whose_middle_is_killed_goes_on(place):
    """The head passes on to the tail what the middle had and had not passed on."""
    kill_and_bring_back(place, 1)


@test
def test_chain_whose_tail_is_killed_goes_on(place):
    """Its predecessor is the tail, and acknowledges what it holds."""
    kill_and_bring_back(place, -1)


@test
def test_chain_of_three_survives_all_but_one(place):
    """Two are killed at once, whoever is left; then they return one after the other."""
    with place.cluster(protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history"), fresh=0.1) as load:
            load.wait(CALLS)
            first, middle, last = chain_of(cluster)
            killed_ns = kill(cluster, first, last)
            load.wait(CALLS)
            wait_chain(cluster, [middle])
            cluster.restart(last)
            wait_chain(cluster, [middle, last])
            cluster.restart(first)
            wait_chain(cluster, [middle, last, first])
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(killed_ns)
        report(load, killed_ns)
        wait_level(cluster, "s0")


@test
def test_tail_of_a_chain_that_wakes_up_answers_nothing_stale(place):
    """SIGSTOP; the others go on without it; SIGCONT, and it is asked at once, and alone."""
    with place.cluster(managers=1, protocol=local.CHAIN) as cluster:
        writer = cluster.client()
        *others, tail = chain_of(cluster)
        address = cluster.topology.address(tail)
        with local.Client(address, ["--timeout", "30"], flag="--server_addrs") as reader:
            for number in range(ROUNDS):
                require(writer.call(f"PUT k before{number}") != [], "no answer")
                require(reader.call("GET k") == [f"GET k before{number}"], "a wrong answer")
                cluster.pause(tail)
                wait_members(cluster, others)
                writer.call(f"PUT k after{number}")
                reader.send("GET k")      # waits in the tail's socket, or comes just as it wakes
                cluster.resume(tail)
                answer = reader.receive()
                require(answer == [f"GET k after{number}"], f"after SIGCONT {tail} said {answer}")
                cluster.wait_healthy()
                require(chain_of(cluster) == [*others, tail], "it is not the tail again")


@test
def test_member_of_a_chain_that_is_ended_is_hardly_missed(place):
    """SIGTERM of each in turn: nobody waits for its lease."""
    with place.cluster(protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(CALLS)
            cluster.wait_for("led for longer than a lease", lambda status: any(
                replica["figures"].get("oracle.pulses", 0) > LEASE_PULSES
                for replica in replicas(status, "m")), WAIT_TIMEOUT_S)
            began_ns = time.monotonic_ns()
            for name in chain_of(cluster):
                began = time.monotonic()
                status = cluster.terminate(name)
                require(status == 0, f"SIGTERM ended {name} with {local.describe_status(status)}")
                say(f"{name} ended within {time.monotonic() - began:.2f} s")
                load.wait(200)
                cluster.restart(name)
                cluster.wait_healthy()
            load.wait(CALLS)
        load.judge()
        load.require_after(began_ns)
        gap_s = load.longest_gap_s(began_ns)
        say(f"longest time a client went without an answer: {gap_s:.2f} s")
        require(gap_s < LEASE_S, f"a client went without an answer for {gap_s:.2f} s")


@test
def test_chain_that_was_killed_whole_loses_nothing(place):
    """Everybody at once, managers too; then all return."""
    with place.cluster(protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history"), fresh=0.1) as load:
            load.wait(CALLS)
            cluster.kill_all()
            killed_ns = time.monotonic_ns()
            for name in cluster.names:
                cluster.restart(name)
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(killed_ns)
        wait_level(cluster, "s0")


@test
def test_directory_of_a_chain_says_so(place):
    """madkv-inspect, of one that nobody uses."""
    with place.cluster(managers=1, rf=1, protocol=local.CHAIN) as cluster:
        require(cluster.client().call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        kill(cluster, "s0.0")
        told = run("madkv-inspect", [cluster.data_path("s0.0")])
        require("partition 0 (chain)" in told.stdout, told.stdout)
        told = run("madkv-inspect", ["--json", cluster.data_path("s0.0")])
        require(json.loads(told.stdout)["protocol"] == "chain", told.stdout)


@test
def test_links_of_a_chain_are_never_taken_for_dead(place):
    """Idle or busy: what a forwarder says to another replica is answered over the same connection."""
    with place.cluster(managers=1, protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history")) as load:
            began = time.monotonic()
            while time.monotonic() - began < LINK_PATIENCE_S:
                load.wait(200)
        hold(LINK_PATIENCE_S)
        for name in chain_of(cluster):
            relinks = figure(cluster, name, "forwarder.relinks")
            require(relinks == 0, f"the forwarder of {name} made {relinks} connections afresh")
        load.judge()


@test
def test_reads_are_answered_by_every_member_of_a_chain(place):
    """STATUS tells where they went."""
    with place.cluster(managers=1, protocol=local.CHAIN) as cluster:
        with Load(cluster, place.path("history"), clients=4) as load:
            load.wait(CALLS)
        load.judge()
        for name in chain_of(cluster):
            count = figure(cluster, name, "proposer.clean_reads") + figure(cluster, name,
                                                                           "proposer.dirty_reads")
            say(f"{name}: {count} reads")
            require(count > 0, f"{name} answered no read")
