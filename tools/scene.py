"""A cluster under load, the faults that can be made in it, and the story of them.

    with scene.under_load(place, "chaos-leader-3") as stage:
        victim = stage.cluster.leader("s0")
        stage.kill(victim)
        stage.tell(f"kill -9 of {victim}, by STATUS the leader of s0")
        stage.go_on(400)
        stage.restart(victim)
        stage.heal()

Every fault is proved: the victim is looked up in STATUS (role and process id) before it is hit,
and what hit it is looked at after (the wait status of a kill, the state of a stopped process, the
counters of dropped packets). A proof that fails is a NotRun. What the cluster does wrong is a
Failure or a ClusterError: in the middle of the story, or when it is judged at its end.
"""

import contextlib
import os
import random
import re
import time

import cluster as local
import network
import story
from harness import Failure, replicas, require, wait_level, wait_until
from load import Load
from story import say

MANAGERS, PARTITIONS = 3, 2
CLIENTS, KEYS = 8, 6
FRESH_SHARE = 0.1            # of the calls: a key written once, for the read-back at the end
CALLS_AFTER_FAULT = 1000     # answered during and after the first fault: fewer make no test
CALLS_BETWEEN = 150
FAULT_TIMEOUT_S = 30.0
PROBE_WRITES = 8             # that tell which partition a key belongs to
KEYS_TRIED_MAX = 100

ELECTED = re.compile(r"elected: group (\S+) replica (\d+) ballot (\d+)\.(\d+)")


class NotRun(Exception):
    """The fault is not proved to have taken hold."""


class Scene:
    """A cluster under load, the faults that a plan can make in it, and the story of them."""

    def __init__(self, cluster, load, seed, quick):
        self.cluster = cluster
        self.load = load
        self.quick = quick
        self.prepared = None                  # what the story found out before the load began
        self.random = random.Random(f"chaos/{seed}")
        self.net = cluster.network
        self.fault_ns = time.monotonic_ns()   # when the first fault was made
        self.fault_count = 0
        self._elected = {}                    # group -> [(ballot, replica)] that were told
        self._began = time.monotonic()

    @property
    def spare(self):
        """How many replicas a partition can lose: of a chain all but one."""
        others = self.cluster.topology.rf - 1
        return others if self.is_chain else others // 2

    @property
    def is_chain(self):
        """Do the partitions run as chains?"""
        return self.cluster.topology.protocol == local.CHAIN

    @property
    def servers(self):
        """Names of all servers."""
        return [name for name in self.cluster.names if name[0] == "s"]

    @property
    def partitions(self):
        """Names of the partitions' groups."""
        return self.cluster.topology.groups[1:]

    def rounds(self, count):
        """How often a plan does something."""
        return 1 if self.quick else count

    # -- telling

    def tell(self, text):
        """A line of the story, with the time since the load began."""
        self.tell_elections()
        say(f"    {time.monotonic() - self._began:6.1f} s  {text}")

    def tell_elections(self):
        """The leader changes that the nodes' logs tell of since the last time."""
        found = set()
        for name in self.cluster.names:
            for group, replica, ballot, _ in ELECTED.findall(self.cluster.log(name)):
                found.add((group, int(ballot), int(replica)))
        for group, ballot, replica in sorted(found):
            known = self._elected.setdefault(group, [])
            if (ballot, replica) not in known:
                known.append((ballot, replica))
                if len(known) > 1:
                    say(f"              {group}: replica {replica} leads, "
                        f"ballot {ballot}.{replica}")

    def tell_figures(self):
        """Leader changes, calls, and the longest gap."""
        changes = ", ".join(f"{group} {len(known) - 1}" for group, known in
                            sorted(self._elected.items()))
        after = self.load.answered_after(self.fault_ns)
        say(f"    leader changes: {changes}; {self.fault_count} faults")
        say(f"    {len(self.load.calls())} calls answered, {after} of them during and after the "
            f"faults; longest gap without an answer, of any client: "
            f"{self.load.longest_gap_s(self.fault_ns):.2f} s")

    def note_faults(self, count=1):
        """So many faults are about to be made."""
        if self.fault_count == 0:
            self.fault_ns = time.monotonic_ns()
        self.fault_count += count

    # -- load

    def go_on(self, count=CALLS_BETWEEN):
        """Lets so many calls be answered."""
        self.load.wait(count)

    def heal(self):
        """Waits until STATUS calls the cluster healthy, and lets the load go on."""
        self.cluster.wait_healthy()
        self.tell("the cluster is healthy again")
        self.go_on()

    # -- faults

    def kill(self, *names):
        """SIGKILL; the wait status proves it."""
        self.note_faults(len(names))
        for name in names:
            if not self.cluster.is_running(name):
                raise NotRun(f"{name} does not run, so it cannot be killed")
        for name in names:
            self.cluster.kill(name)
        for name in names:
            if (status := self.cluster.exit_status(name)) != -9:
                raise NotRun(f"{name} ended with {local.describe_status(status)}, not by the kill")

    def restart(self, *names):
        """Starts nodes again on their directories."""
        for name in names:
            self.cluster.restart(name)

    def pause(self, name):
        """SIGSTOP; the process's state proves it."""
        self.note_faults()
        self.cluster.pause(name)
        pid = self.cluster.pid(name)

        def is_stopped():
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0] == "T"
        try:
            wait_until("stopped", is_stopped, FAULT_TIMEOUT_S)
        except Failure as error:
            raise NotRun(f"{name} was sent SIGSTOP and is {error}") from error

    def cut(self, name, others, directions, payload_only=False):
        """Cuts links of `name`; `others` None: to everybody."""
        self.note_faults()
        self.net.cut(name, others, directions, payload_only)

    def mend(self, name, answered=True):
        """Undoes a cut; the counters prove it. `answered`: the others speak to it without being asked."""
        counts = self.net.heal(name)
        if not counts or (min if answered else max)(counts.values()) == 0:
            raise NotRun(f"no packet of {name} was dropped: {counts}")
        self.tell(f"{name}: links mended; packets dropped: "
                  + ", ".join(f"{count} {hook}" for hook, count in counts.items()))

    # -- who is what

    def peers(self, name):
        """The other replicas of a node's group."""
        return [peer for peer in self.cluster.topology.group(name.split(".")[0]) if peer != name]

    def role(self, name):
        """What STATUS says a node is: leader, follower, candidate, or `not up`."""
        status = self.cluster.status()
        for entry in replicas(status, name.split(".")[0]) if status else []:
            if entry["node"] == name:
                return entry["role"] if entry["up"] else "not up"
        return "not known"

    def new_clients(self, count, label):
        """So many new clients, one after the other, each served at once; `label`: of their keys."""
        slowest_s = 0.0
        for number in range(count):
            began = time.monotonic()
            key = f"join-{label}-{number}"
            with self.cluster.client() as client:
                answer = client.call(f"PUT {key} yes")
                require(answer == [f"PUT {key} not_found"], f"a new client was told {answer}")
            slowest_s = max(slowest_s, time.monotonic() - began)
        self.tell(f"{count} new clients joined and were served, "
                  f"the slowest within {slowest_s:.2f} s")


def chosen_slots(cluster):
    """{partition's group: the highest slot that one of its replicas knows to be chosen}."""
    status = cluster.wait_for("told its slots", lambda status: status)
    return {group: max(replica["chosen_slot"] for replica in replicas(status, group)
                       if replica["up"]) for group in cluster.topology.groups[1:]}


def partition_of(cluster, client, key):
    """The group whose log grows when `key` is written. It holds no value before and after.

    Nobody else may write meanwhile.
    """
    before = chosen_slots(cluster)
    for write in range(PROBE_WRITES):
        client.call(f"PUT {key} probe{write}")
    after = chosen_slots(cluster)
    client.call(f"DELETE {key}")
    grown = [group for group in after if after[group] - before[group] >= PROBE_WRITES]
    require(len(grown) == 1, f"the logs of {grown} grew by what was written to {key}")
    return grown[0]


def keys_by_partition(cluster, count, more=()):
    """{group: at least `count` keys that belong to it}; each of the keys `more` is in one of them."""
    keys = {group: [] for group in cluster.topology.groups[1:]}
    with cluster.client() as client:
        for number in range(KEYS_TRIED_MAX):
            key = f"fruit{number}"
            keys[partition_of(cluster, client, key)].append(key)
            if min(map(len, keys.values())) >= count:
                break
        for key in more:
            keys[partition_of(cluster, client, key)].append(key)
    return keys


@contextlib.contextmanager
def under_load(place, title, rf=3, seed=1, quick=False, net=None, prepare=None):
    """A Scene, judged when its story ends: the record, the read-back, the nodes, their logs.

    `place`: a harness.Place. `title`: of the record of calls, kept under /tmp/madkv-p3/chaos/.
    `quick`: for plans, to do things once. `net`: a network.Network, or None for loopback.
    `prepare`: a function of the cluster, called before anybody else calls it; its value is
    `scene.prepared`.
    """
    history = os.path.join(story.output_directory("chaos"), title + ".history")
    with open(history, "w", encoding="ascii"):
        pass  # that it cannot be written is better known now than at the end
    with place.cluster(MANAGERS, PARTITIONS, rf, network=net) as cluster:
        prepared = prepare(cluster) if prepare else None
        say(f"    up: {MANAGERS} managers, {PARTITIONS} partitions of {rf} replicas; "
            f"{CLIENTS} clients call; their record: {history}")
        load = Load(cluster, history, clients=CLIENTS, keys=KEYS, fresh=FRESH_SHARE, seed=seed)
        scene = Scene(cluster, load, seed, quick)
        scene.prepared = prepared
        try:
            with load:
                yield scene
        finally:
            scene.tell_elections()
            scene.tell_figures()
        judge(scene)


def judge(scene, calls_min=CALLS_AFTER_FAULT):
    """Raises what speaks against it. `calls_min`: answered during and after the first fault."""
    scene.load.read_back()
    scene.load.judge()
    after = scene.load.answered_after(scene.fault_ns)
    if scene.fault_count == 0:
        raise NotRun("no fault was made")
    if after < calls_min:
        raise NotRun(f"only {after} calls were answered during and after the fault; "
                     f"{calls_min} make a test")
    for group in scene.cluster.topology.groups:
        wait_level(scene.cluster, group)
    say("    the record is linearizable, every call was answered, everything written is there, "
        "the replicas are level")
