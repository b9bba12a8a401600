"""The plans of tools/chaos: what is broken, when, and how it is proved to have been broken.

A plan is a function of a Scene (scene.py), which knows how to break things and to prove it. It
returns with everything put right again. A proof that fails is a NotRun; a cluster that does not go
on is a Failure or a ClusterError.
"""

import time

import cluster as local
import network
from harness import followers, hold, require
from scene import NotRun

WARM_UP_CALLS = 500
CALLS_DURING = 400        # that each fault has to be lived through with
CALLS_BETWEEN = 150
CUT_S = 3.0               # the shortest cut: longer than an election and the client's patience
PAUSE_S = 3.0
NEW_CLIENTS = 10
ROLLING_PAUSE_S = 1.0     # that a client may be made to wait while nodes are restarted in good order
STORM_EVENTS, STORM_EVENTS_QUICK = 16, 4
STOPPED_SHARE = 0.3       # of a storm's victims: stopped for a while, not killed


def plan_leader(scene):
    """kill -9 of a partition's leader, in turns."""
    scene.go_on(WARM_UP_CALLS)
    for number in range(scene.rounds(6)):
        group = scene.partitions[number % len(scene.partitions)]
        victim = scene.cluster.leader(group)
        scene.kill(victim)
        scene.tell(f"kill -9 of {victim}, by STATUS the leader of {group}")
        scene.cluster.leader(group, other_than=victim)
        scene.go_on(CALLS_DURING)
        scene.restart(victim)
        scene.heal()
    scene.go_on(CALLS_DURING)


def plan_followers(scene):
    """kill -9 of as many followers as can be spared, in every partition at once."""
    scene.go_on(WARM_UP_CALLS)
    for _ in range(scene.rounds(3)):
        victims = []
        for group in scene.partitions:
            follow = followers(scene.cluster, group)
            victims += scene.random.sample(follow, min(scene.spare, len(follow)))
        scene.kill(*victims)
        scene.tell(f"kill -9 of {', '.join(victims)}, by STATUS followers")
        scene.go_on(2 * CALLS_DURING)
        scene.restart(*victims)
        scene.heal()
    scene.go_on(CALLS_DURING)


def plan_rolling(scene):
    """SIGTERM and a new start for every node, one after the other."""
    scene.go_on(WARM_UP_CALLS)
    for victim in scene.cluster.names:
        role = scene.role(victim)
        if role not in ("leader", "follower"):
            raise NotRun(f"STATUS calls {victim} {role}")
        scene.note_faults()
        status = scene.cluster.terminate(victim)
        require(status == 0, f"SIGTERM ended {victim} with {local.describe_status(status)}")
        scene.tell(f"SIGTERM ended {victim}, by STATUS a {role}")
        scene.go_on(CALLS_BETWEEN)
        scene.restart(victim)
        scene.cluster.wait_healthy()
    scene.heal()
    scene.go_on(CALLS_DURING)
    longest_s = scene.load.longest_gap_s(scene.fault_ns)
    require(longest_s < ROLLING_PAUSE_S, f"a client went without an answer for {longest_s:.2f} s")


def plan_pause(scene):
    """SIGSTOP of a leader, who wakes up believing that he leads; then of followers."""
    scene.go_on(WARM_UP_CALLS)
    for number in range(scene.rounds(3)):
        group = scene.partitions[number % len(scene.partitions)]
        victim = scene.cluster.leader(group)
        began = time.monotonic()
        scene.pause(victim)
        scene.tell(f"SIGSTOP of {victim}, by STATUS the leader of {group}")
        scene.cluster.leader(group, other_than=victim)
        scene.go_on(CALLS_DURING)
        hold(max(PAUSE_S - (time.monotonic() - began), 0))
        scene.cluster.resume(victim)
        scene.tell(f"SIGCONT of {victim} after {time.monotonic() - began:.1f} s")
        scene.go_on(CALLS_DURING)
        scene.heal()
        victims = followers(scene.cluster, group)[:scene.spare]
        for victim in victims:
            scene.pause(victim)
        scene.tell(f"SIGSTOP of {', '.join(victims)}, by STATUS followers of {group}")
        scene.go_on(CALLS_DURING)
        for victim in victims:
            scene.cluster.resume(victim)
        scene.heal()


def cut_for_a_while(scene, name, others, directions, payload_only=False, successor=None):
    """Cuts, waits for the fault to bite and for calls to be answered in spite of it, mends.

    `successor`: the group that needs another leader while the cut lasts.
    """
    began = time.monotonic()
    scene.cut(name, others, directions, payload_only)
    kind = network.WORDS[directions].replace("packets", "payload" if payload_only else "packets")
    whom = "everybody" if others is None else ", ".join(others)
    scene.tell(f"{name}: {kind} between it and {whom} dropped")
    if successor:
        scene.cluster.leader(successor, other_than=name)
    scene.go_on(CALLS_DURING)
    hold(max(CUT_S - (time.monotonic() - began), 0))
    scene.tell(f"{name} is {scene.role(name)} by STATUS after {time.monotonic() - began:.1f} s")
    scene.mend(name)
    scene.heal()


def plan_partition(scene):
    """Cuts in both directions; clients reach the victim still, or they do not."""
    scene.go_on(WARM_UP_CALLS)
    for _ in range(scene.rounds(2)):
        victim = scene.cluster.leader("s0")
        scene.tell(f"{victim} is by STATUS the leader of s0; clients reach it still")
        cut_for_a_while(scene, victim, scene.peers(victim), network.BOTH, successor="s0")
        victim = scene.cluster.leader("s1")
        scene.tell(f"{victim} is by STATUS the leader of s1; nobody reaches it")
        cut_for_a_while(scene, victim, None, network.BOTH, successor="s1")
        victim = followers(scene.cluster, "s0")[0]
        scene.tell(f"{victim} is by STATUS a follower")
        cut_for_a_while(scene, victim, scene.peers(victim), network.BOTH)
        victim = scene.cluster.leader("m")
        scene.tell(f"{victim} is by STATUS the leader of the managers")
        cut_for_a_while(scene, victim, scene.peers(victim), network.BOTH, successor="m")
        scene.new_clients(NEW_CLIENTS, f"partition{scene.random.random()}")
    scene.go_on(CALLS_DURING)


def plan_oneway(scene):
    """Cuts in one direction. A leader that speaks but hears nobody must be replaced."""
    scene.go_on(WARM_UP_CALLS)
    for number in range(scene.rounds(2)):
        group = scene.partitions[number % len(scene.partitions)]
        for directions, payload_only, word in ((network.IN, True, "deaf"),
                                               (network.OUT, True, "mute"),
                                               (network.IN, False, "deaf")):
            victim = scene.cluster.leader(group)
            scene.tell(f"{victim}, by STATUS the leader of {group}, goes {word}")
            cut_for_a_while(scene, victim, scene.peers(victim), directions, payload_only, group)
        for directions, word in ((network.IN, "deaf"), (network.OUT, "mute")):
            victim = followers(scene.cluster, group)[0]
            scene.tell(f"{victim}, by STATUS a follower of {group}, goes {word}")
            cut_for_a_while(scene, victim, scene.peers(victim), directions, True)
    scene.go_on(CALLS_DURING)


def plan_managers(scene):
    """Managers die while clients join and a server comes back."""
    scene.go_on(WARM_UP_CALLS)
    for number in range(scene.rounds(3)):
        leader = scene.cluster.leader("m")
        scene.kill(leader)
        scene.tell(f"kill -9 of {leader}, by STATUS the leader of the managers")
        scene.new_clients(NEW_CLIENTS, f"leader{number}")
        scene.cluster.leader("m", other_than=leader)
        server = followers(scene.cluster, "s0")[0]
        scene.kill(server)
        scene.restart(server)
        scene.tell(f"kill -9 and a new start of {server} meanwhile")
        scene.go_on(CALLS_DURING)
        scene.restart(leader)
        scene.heal()
        victim = followers(scene.cluster, "m")[0]
        scene.kill(victim)
        scene.tell(f"kill -9 of {victim}, by STATUS a follower among the managers")
        scene.new_clients(NEW_CLIENTS, f"follower{number}")
        scene.go_on(CALLS_DURING)
        scene.restart(victim)
        scene.heal()
    scene.go_on(CALLS_DURING)


def plan_unmanaged(scene):
    """A replica loses sight of the managers alone. A chain cuts it out; others start without them."""
    scene.go_on(WARM_UP_CALLS)
    for number in range(scene.rounds(3)):
        group = scene.partitions[number % len(scene.partitions)]
        leader = scene.cluster.leader(group)
        for victim in (leader, followers(scene.cluster, group)[0]):
            lose_managers(scene, victim, group if victim == leader else None)
    scene.go_on(CALLS_DURING)


def lose_managers(scene, victim, successor):
    """Cuts a server off from the managers alone, and mends that; `successor`: as above."""
    scene.cut(victim, scene.cluster.topology.group("m"), network.BOTH)
    scene.tell(f"{victim}, by STATUS a {scene.role(victim)}: all packets between it and the managers dropped")
    if not scene.is_chain:   # it speaks with them when it starts, and not again
        scene.kill(victim)
        scene.restart(victim)
        scene.tell(f"kill -9 and a new start of {victim} meanwhile")
    if successor:
        scene.cluster.leader(successor, other_than=victim)
    scene.go_on(CALLS_DURING)
    hold(CUT_S)
    scene.mend(victim, answered=False)
    scene.heal()


def storm_victims(scene):
    """At random, of each group at most what it can spare; at least one in all."""
    victims = []
    while not victims:
        for group in scene.cluster.topology.groups:
            names = scene.cluster.topology.group(group)
            victims += scene.random.sample(names, scene.random.randint(0, (len(names) - 1) // 2))
    return victims


def storm_of_some(scene):
    """Some nodes die or stop at once, whoever they are, and come back."""
    dead, stopped = [], []
    for victim in storm_victims(scene):
        (stopped if scene.random.random() < STOPPED_SHARE else dead).append(victim)
    scene.kill(*dead)
    for victim in stopped:
        scene.pause(victim)
    scene.tell("; ".join(([f"kill -9 of {', '.join(dead)}"] if dead else [])
                         + ([f"SIGSTOP of {', '.join(stopped)}"] if stopped else [])))
    scene.go_on(CALLS_BETWEEN)
    for victim in stopped:
        scene.cluster.resume(victim)
    scene.restart(*dead)
    if scene.random.random() < 0.5:
        scene.heal()


def storm_of_all(scene, names, what):
    """Every one of `names` dies at once; what they had is only on their disks."""
    scene.cluster.wait_healthy()
    scene.kill(*names)
    scene.tell(f"kill -9 of {what}")
    scene.restart(*names)
    scene.heal()


def plan_storm(scene):
    """A random mix, the same for the same seed."""
    scene.go_on(WARM_UP_CALLS)
    events = STORM_EVENTS_QUICK if scene.quick else STORM_EVENTS
    for number in range(events):
        if number == events // 3:
            storm_of_all(scene, scene.cluster.names, "everything")
        elif number == 2 * events // 3:
            group = scene.random.choice(scene.partitions)
            storm_of_all(scene, scene.cluster.topology.group(group), f"all of {group}")
        else:
            storm_of_some(scene)
    scene.heal()
    scene.go_on(2 * CALLS_DURING)


PLANS = {"leader": plan_leader, "followers": plan_followers, "rolling": plan_rolling,
         "pause": plan_pause, "partition": plan_partition, "oneway": plan_oneway,
         "managers": plan_managers, "unmanaged": plan_unmanaged, "storm": plan_storm}
CUTTING = {"partition", "oneway", "unmanaged"}   # these need a network of their own
