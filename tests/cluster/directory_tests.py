"""Whose directory is it: the wrong one, one in use, one of other flags, and one of a manager
alone that was wiped.

A refused program must say so in one line, with the exit status of its kind, and must leave what it
was refused unchanged: the node whose directory it is goes on, or comes back on it.
"""

import contextlib
import shutil
import socket
import time

from harness import EXIT_ADDRESS, EXIT_IDENTITY, EXIT_TOPOLOGY
from harness import changed, followers, kill, local, require, run, test, wait_level
from load import Load

CALLS = 1000


def flags_of(cluster, name, directory=None):
    """Flags of a node, on its own directory or another one."""
    return cluster.topology.flags(name, directory or cluster.data_path(name))


def run_node(cluster, name, flags):
    """Runs the program of a node with other flags to its end."""
    return run(cluster.topology.program(name), flags)


def come_back(cluster, *names):
    """Restarts nodes and proves that nothing was harmed."""
    for name in names:
        cluster.restart(name)
    cluster.wait_healthy()


@test
def test_directory_of_another_replica_is_refused(place):
    """Replica 0's for replica 1, a server's for a manager, and the other way round."""
    with place.cluster() as cluster:
        cluster.client().call("PUT k v")
        kill(cluster, *followers(cluster, "s0"), *followers(cluster, "m"))
        for name in [name for name in cluster.names if cluster.is_running(name)]:
            kill(cluster, name)
        for name, other in (("s0.1", "s0.0"), ("m.1", "m.2"), ("m.0", "s0.0")):
            flags = flags_of(cluster, name, cluster.data_path(other))
            run_node(cluster, name, flags).refused(EXIT_IDENTITY, other, name)
        come_back(cluster, *cluster.names)
        require(cluster.client().call("GET k") == ["GET k v"], "the value is gone")


@test
def test_directory_of_another_cluster_is_refused(place):
    """The same replica of the same partition, but of a cluster with other managers."""
    with place.cluster(managers=1, rf=1) as other:
        other.client().call("PUT k other")
        kept = place.path("kept")
        kill(other, "s0.0")
        shutil.copytree(other.data_path("s0.0"), kept)
        come_back(other, "s0.0")
    with place.cluster(managers=1, rf=1) as cluster:
        kill(cluster, "s0.0")
        flags = flags_of(cluster, "s0.0", kept)
        run_node(cluster, "s0.0", flags).refused(EXIT_IDENTITY, kept, "cluster")
        come_back(cluster, "s0.0")
        require(cluster.client().call("GET k") == ["GET k null"], "a value of another cluster")


@test
def test_two_processes_on_one_directory_are_refused(place):
    """The second is told who has it; the first goes on under load."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history")) as load:
            began_ns = time.monotonic_ns()
            for name in ("s0.0", "s0.1", "m.0"):
                done = run_node(cluster, name, flags_of(cluster, name))
                done.refused(EXIT_IDENTITY, cluster.data_path(name), str(cluster.pid(name)))
            load.wait(CALLS)
        load.judge()
        load.require_after(began_ns)
        cluster.wait_healthy()


@test
def test_port_taken_while_a_server_was_down_is_told(place):
    """On the clients' and on the peers' side of a replica that comes back."""
    with place.cluster(managers=1) as cluster:
        victim = followers(cluster, "s0")[0]
        kill(cluster, victim)
        for flag, address in (("api_listen", cluster.topology.address(victim)),
                              ("p2p_listen", cluster.topology.p2p_address(victim))):
            with contextlib.closing(socket.create_server(
                    (local.HOST, int(address.rpartition(":")[2])))):
                run_node(cluster, victim, flags_of(cluster, victim)).refused(EXIT_ADDRESS,
                                                                             "--" + flag, address)
        come_back(cluster, victim)
        wait_level(cluster, "s0")


@test
def test_managers_refuse_other_flags_than_they_were_founded_with(place):
    """Another server list, another rf, another number of managers: both are named."""
    with place.cluster() as cluster:
        kill(cluster, "m.0")
        flags = flags_of(cluster, "m.0")
        founded = cluster.topology.server_addrs
        first, second, third = founded.split(",")
        ports = [f"{local.HOST}:{port}" for port in local.free_ports(5)]
        cases = [({"server_addrs": ",".join(ports[:3])}, (founded, ",".join(ports[:3]))),
                 ({"server_addrs": f"{second},{first},{third}"}, (founded, f"{second},{first}")),
                 ({"server_addrs": f"{founded},{','.join(ports[:3])}"}, (founded, ports[2])),
                 ({"server_rf": 1}, ("--server_rf 3", "--server_rf 1")),
                 ({"server_rf": 5, "server_addrs": ",".join(ports)},
                  ("--server_rf 3", "--server_rf 5")),
                 ({"peer_addrs": ",".join(ports[:4])}, ("3 managers", "5 managers")),
                 ({"peer_addrs": "none"}, ("3 managers", "1 manager,"))]
        for changes, words in cases:
            run_node(cluster, "m.0", changed(flags, **changes)).refused(EXIT_TOPOLOGY, *words)
        come_back(cluster, "m.0")
        wait_level(cluster, "m")


@test
def test_servers_refuse_flags_that_contradict_the_managers(place):
    """A fresh directory: the managers know how many replicas and partitions there are."""
    with place.cluster(managers=1, partitions=2, rf=3) as cluster:
        fresh = place.path("fresh")
        ports = [f"{local.HOST}:{port}" for port in local.free_ports(4)]
        flags = flags_of(cluster, "s0.0", fresh)
        flags = changed(flags, api_listen=ports[0], p2p_listen=ports[1])
        for changes, words in (
                ({"peer_addrs": "none"}, ("--peer_addrs", "2")),
                ({"peer_addrs": ",".join(ports)}, ("--peer_addrs", "2")),
                ({"partition_id": 2}, ("--partition_id", "2"))):
            run_node(cluster, "s0.0", changed(flags, **changes)).refused(EXIT_TOPOLOGY, *words)
        kill(cluster, "s0.0")
        flags = changed(flags_of(cluster, "s0.0"), peer_addrs=",".join(ports))
        run_node(cluster, "s0.0", flags).refused(EXIT_TOPOLOGY, cluster.data_path("s0.0"))
        come_back(cluster, "s0.0")


@test
def test_directory_and_managers_of_the_other_protocol_are_refused(place):
    """By servers, on a directory that was written and on a fresh one, and by managers."""
    for there, other in ((local.CHAIN, local.MULTIPAXOS), (local.MULTIPAXOS, local.CHAIN)):
        with place.cluster(managers=1, protocol=there) as cluster:
            require(cluster.client().call("PUT k v") == ["PUT k not_found"], "a wrong answer")
            kill(cluster, "s0.1")
            flags = changed(flags_of(cluster, "s0.1"), protocol=other)
            run_node(cluster, "s0.1", flags).refused(EXIT_IDENTITY, cluster.data_path("s0.1"), there,
                                                     other)
            flags = changed(flags, backer_path=place.path(f"fresh.{there}"))
            run_node(cluster, "s0.1", flags).refused(EXIT_TOPOLOGY, "--protocol", there, other)
            come_back(cluster, "s0.1")
            kill(cluster, "m.0")
            flags = changed(flags_of(cluster, "m.0"), protocol=other)
            run_node(cluster, "m.0", flags).refused(EXIT_TOPOLOGY, cluster.data_path("m.0"),
                                                    "--protocol chain")
            come_back(cluster, "m.0")
            require(cluster.client().call("GET k") == ["GET k v"], "the value is gone")


def wipe(cluster, name, put_aside):
    """Kills a node and takes its directory away."""
    kill(cluster, name)
    shutil.move(cluster.data_path(name), put_aside)


@test
def test_wiped_manager_alone_founds_a_cluster_that_the_servers_refuse(place):
    """At one manager nobody remembers; the servers do: they keep to the cluster they are of."""
    with place.cluster(managers=1, rf=1) as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        wipe(cluster, "m.0", place.path("aside"))
        cluster.restart("m.0")
        cluster.leader("m")
        kill(cluster, "s0.0")
        done = run_node(cluster, "s0.0", flags_of(cluster, "s0.0"))
        done.refused(EXIT_IDENTITY, cluster.data_path("s0.0"), "cluster")
        kill(cluster, "m.0")
        shutil.rmtree(cluster.data_path("m.0"))
        shutil.move(place.path("aside"), cluster.data_path("m.0"))
        come_back(cluster, "m.0", "s0.0")
        require(client.call("GET k") == ["GET k v"], "the value is gone")
