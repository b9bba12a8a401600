"""Whatever a stranger sends to any port: counted, logged at a limited rate, service undisturbed."""

import contextlib
import os
import random
import struct
import time

from harness import replicas, require, say, test, wait_level, wait_until
from load import Load
import zmtp

CALLS = 1000
RSS_GROWTH_BYTES_MAX = 64 << 20
LOG_LINES_MAX = 200      # of a node, after tens of thousands of bad messages
FRAME_BYTES_MAX = 4 << 20
HALF_OPEN = 40           # connections a port
OTHER_CLUSTER = 0x1234567890abcdef


def ports(cluster):
    """(node, is it the clients' port, address) of all ports."""
    topology = cluster.topology
    return [(name, to_clients, topology.address(name) if to_clients else topology.p2p_address(name))
            for name in cluster.names for to_clients in (True, False)]


def group_of(name):
    """Number of a node's group in messages."""
    return zmtp.MANAGERS if name[0] == "m" else int(name.split(".")[0][1:])


def peer_of(name):
    """Another replica of the group of three."""
    return (int(name.split(".")[1]) + 1) % 3


def identity_of(letter, replica):
    """Routing id of a replica's connection to its peers (actors/actor_link.c)."""
    return letter + bytes([replica + 1])


def attack(cluster, per_port):
    """Calls `per_port(node, is it the clients' port, address)` for each; a port may hang up."""
    for node, to_clients, address in ports(cluster):
        with contextlib.suppress(ConnectionError):
            per_port(node, to_clients, address)


def figures(cluster):
    """{node: figures} of all nodes, all of which have to be up."""
    def find(status):
        nodes = [replica for entry in status["groups"] for replica in entry["replicas"]]
        return status["healthy"] and {node["node"]: node["figures"] for node in nodes}
    return cluster.wait_for("seen whole", find)


def descriptors(cluster, name):
    """How many file descriptors a node has open."""
    return len(os.listdir(f"/proc/{cluster.pid(name)}/fd"))


@contextlib.contextmanager
def under_attack(place):
    """A cluster under load, unharmed at the end: yields (cluster, figures before, counted).

    counted(name of a figure, nodes): waits until it rose at each of the nodes.
    """
    with place.cluster() as cluster:
        with Load(cluster, place.path("history"), clients=4) as load:
            load.wait(CALLS)
            leaders = {group: cluster.leader(group) for group in ("m", "s0")}
            before = figures(cluster)
            open_before = {name: descriptors(cluster, name) for name in cluster.names}
            began_ns = time.monotonic_ns()

            def counted(figure, nodes=None):
                for name in nodes or cluster.names:
                    wait_until(f"counted by {name} ({figure})",
                               lambda name=name: figures(cluster)[name].get(figure, 0)
                               > before[name].get(figure, 0))
            yield cluster, load, counted
            load.wait(CALLS)
        load.judge()
        load.require_after(began_ns)
        after = figures(cluster)
        for name in cluster.names:
            grown = after[name]["process.rss_bytes"] - before[name]["process.rss_bytes"]
            require(grown < RSS_GROWTH_BYTES_MAX, f"{name} grew by {grown} bytes")
            lines = cluster.log(name).count("\n")
            require(lines < LOG_LINES_MAX, f"{name} logged {lines} lines")
            wait_until(f"free of strangers' connections ({name})",
                       lambda name=name: descriptors(cluster, name) <= open_before[name] + 4)
        require({group: cluster.leader(group) for group in leaders} == leaders,
                "a stranger brought a leader down")
        wait_level(cluster, "s0")
        say(f"longest time a client went without an answer: {load.longest_gap_s(began_ns):.2f} s")


@test
def test_garbage_on_every_port_disturbs_nothing(place):
    """Bytes that are no ZMTP, and handshakes that stop being one half-way."""
    source = random.Random(1)

    def garbage(_node, _to_clients, address):
        for size in (1, 64, 100_000):
            for start in (b"", b"\xff" + bytes(8) + b"\x7f", zmtp.GREETING, b"GET / HTTP/1.1\r\n"):
                with zmtp.connect(address) as connection, contextlib.suppress(OSError):
                    connection.sendall(start + source.randbytes(size))
    with under_attack(place) as (cluster, load, _):
        for _ in range(5):
            attack(cluster, garbage)
            load.wait(100)


@test
def test_half_open_connections_on_every_port_are_closed(place):
    """Connections on which nothing, or the half of a frame, is ever said."""
    with contextlib.ExitStack() as held, under_attack(place) as (cluster, load, _):
        def hold_open(_node, _to_clients, address):
            for number in range(HALF_OPEN):
                connection = held.enter_context(zmtp.connect(address))
                connection.sendall(zmtp.GREETING[:number])
            # Past the handshake nobody hangs up, so these are ours to close.
            for _ in range(4):
                with zmtp.dealer(address) as connection:
                    connection.sendall(bytes([zmtp.LONG]) + struct.pack(">Q", FRAME_BYTES_MAX - 1))
        attack(cluster, hold_open)
        load.wait(CALLS)


@test
def test_oversized_frames_on_every_port_cut_their_sender(place):
    """Announced and sent; the connection ends before the frame does."""
    def oversize(_node, _to_clients, address):
        for size in (FRAME_BYTES_MAX + 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1):
            with zmtp.dealer(address) as connection:
                connection.settimeout(zmtp.TIMEOUT_S)
                try:
                    connection.sendall(bytes([zmtp.LONG]) + struct.pack(">Q", size))
                    for _ in range(FRAME_BYTES_MAX >> 16):
                        connection.sendall(bytes(1 << 16))
                    while connection.recv(1 << 16):
                        pass
                except (ConnectionError, TimeoutError) as error:
                    require(not isinstance(error, TimeoutError), f"{address} took {size} bytes")
    with under_attack(place) as (cluster, load, _):
        attack(cluster, oversize)
        load.wait(100)


@test
def test_malformed_messages_on_every_port_are_counted(place):
    """Frames that pass ZeroMQ and are no messages, in great number."""
    source = random.Random(2)
    status = zmtp.head("STATUS_ASK", {"tag": 1})

    def bad_messages(node, to_clients, address):
        peer = identity_of(b"X", peer_of(node))
        with zmtp.dealer(address, b"" if to_clients else peer) as connection:
            for _ in range(300):
                connection.sendall(
                    zmtp.message(source.randbytes(source.randrange(200)))
                    + zmtp.message(bytes(2000))                        # longer than any head
                    + zmtp.message(b"\xdd\xff\xff\xff\xff")            # an array of 2^32 - 1
                    + zmtp.message(status[:-1])                        # cut short
                    + zmtp.message(status + b"\0")                     # one byte more
                    + zmtp.message(status, b"a payload too many")
                    + zmtp.message(status, b"one", b"two", b"three")
                    + zmtp.message(zmtp.head("REQUEST", {"tag": 1})))  # its payload is missing
    with under_attack(place) as (cluster, load, counted):
        attack(cluster, bad_messages)
        load.wait(100)
        for side in ("api", "acceptor"):
            counted(f"{side}.dropped_malformed_messages")
            counted(f"{side}.dropped_payload_messages")


@test
def test_messages_in_a_wrong_name_are_counted(place):
    """A client that says it is a replica, a peer whose routing id is another's, or far too long."""
    def impostor(node, to_clients, address):
        group, peer = group_of(node), peer_of(node)
        heartbeat = zmtp.head("HEARTBEAT", {"ballot": (99, peer), "round": 1}, OTHER_CLUSTER, group,
                              "PROPOSER", peer)
        with zmtp.dealer(address, b"" if to_clients else b"nobody") as connection:
            connection.sendall(zmtp.message(heartbeat) * 20)
        with zmtp.dealer(address, bytes([1]) + b"x" * 200) as connection:
            connection.sendall(zmtp.message(heartbeat) * 20)
    with under_attack(place) as (cluster, load, counted):
        attack(cluster, impostor)
        load.wait(100)
        for side in ("api", "acceptor"):
            counted(f"{side}.dropped_sender_messages")
            counted(f"{side}.dropped_routing_id_messages")


@test
def test_messages_of_another_cluster_are_counted_and_change_nothing(place):
    """A replica of another cluster, rightly named, that found the peers' port; clients likewise."""
    def stranger(node, to_clients, address):
        group, peer = group_of(node), peer_of(node)
        if to_clients:
            call = {"tag": 1, "session": 1, "number": 1, "lowest": 1}
            requests = [zmtp.head("REQUEST", {**call, "kind": kind}, OTHER_CLUSTER, group)
                        for kind in (0, 1, 2, 3, 4, 200)]
            requests += [zmtp.head("REQUEST", {"tag": 1, "kind": 2}, 0, 77)]
            with zmtp.dealer(address) as connection:
                for request in requests:
                    connection.sendall(zmtp.message(request, b"\x93\x00\x01\x02") * 5)
            return
        sender = {"cluster": OTHER_CLUSTER, "group": group, "role": "PROPOSER", "replica": peer,
                  "start": 1 << 40}
        with zmtp.dealer(address, identity_of(b"P", peer)) as connection:
            ballot = {"ballot": (1 << 40, peer)}
            for kind, values in (("HEARTBEAT", {"chosen": 1 << 40, "round": 1}),
                                 ("PREPARE", {"from": 1}), ("ASK", {"chosen": 1 << 40})):
                claim = zmtp.head(kind, {**ballot, **values}, **sender)
                connection.sendall(zmtp.message(claim) * 5)
            accept = {**ballot, "slot": 1 << 30, "chosen": 1 << 30}
            connection.sendall(zmtp.message(zmtp.head("ACCEPT", accept, **sender), b"\x90"))
    with under_attack(place) as (cluster, load, counted):
        attack(cluster, stranger)
        load.wait(100)
        counted("acceptor.foreign_messages")
        counted("api.requests_refused")
        promised = {replica["figures"]["acceptor.promised_round"]
                    for replica in replicas(cluster.status(), "s0")}
        require(max(promised) < 1000, f"promised to a stranger: {promised}")


@test
def test_strangers_that_do_not_read_their_answers_use_bounded_memory(place):
    """Thousands of STATUS asked for on connections that are never read."""
    ask = zmtp.message(zmtp.head("STATUS_ASK", {"tag": 1}))
    with contextlib.ExitStack() as held, under_attack(place) as (cluster, load, _):
        connections = [held.enter_context(zmtp.dealer(address))
                       for _, to_clients, address in ports(cluster) if to_clients for _ in range(4)]
        for connection in connections:
            connection.setblocking(False)
        for _ in range(50):
            for connection in connections:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    connection.send(ask * 100)
            load.wait(20)
        held.close()
