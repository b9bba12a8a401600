"""A network of its own for a cluster of tools/cluster.py, in which links can be cut.

    network.enter()                               # first thing: this process moves in
    net = network.Network(names)                  # an address for each node, all on one bridge
    with Cluster(..., network=net) as cluster:
        net.cut("s0.1", ["s0.0", "s0.2"], network.BOTH)
        net.dropped("s0.1")                       # packets dropped since
        net.heal("s0.1")
        net.slow("s0.1", "256kbit")               # until net.hurry("s0.1")

Each node gets a network namespace with one address, joined by a pair of veths to a bridge; packets
are dropped by nftables inside the namespace of the node that is cut off, with counters.

Nothing of this can be seen from outside, and nothing has to be removed: `enter` runs the program
again in a network namespace and a mount namespace of its own, and the bridge, the links and the
nodes' namespaces exist only in there. They end with the last process inside, however that ends.
Needs iproute2, nftables, and root or a kernel that lets users have namespaces.

What a cut drops. OUT: what the node sends to the others; IN: what they send to it; BOTH. TCP
stands in the way of a one-way cut, for if the packets of one direction are lost, so are the
acknowledgements of the other, and soon both are silent. With `payload_only` the packets without
payload pass, so that one direction is cut and the other goes on as if nothing had happened.
"""

import json
import os
import shutil
import subprocess
import sys

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where ip and nft are, and a user's PATH does not lead

NETMASK_BITS = 16
BRIDGE = "madkv0"
BRIDGE_ADDRESS = "10.77.0.1"
NAMES_PATH = "/run/netns"         # where ip keeps namespaces by name
INSIDE = "MADKV_NETWORK_INSIDE"   # set in the environment of the program that `enter` ran
PROGRAMS = ("unshare", "nsenter", "mount", "ip", "nft", "tc")

OUT, IN, BOTH = ("output",), ("input",), ("output", "input")
WORDS = {OUT: "outgoing packets", IN: "incoming packets", BOTH: "all packets"}

# A TCP segment without payload has 52 bytes here, 80 with selective acknowledgements at most.
PAYLOAD = "meta length > 80"


class NetworkError(Exception):
    """The network cannot be had here; the text says why."""


def _namespaces():
    """Command that runs another one in a network and a mount namespace of its own."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--net", "--mount", "--propagation", "private", "--"]


def why_not():
    """Why there can be no such network here; "" if there can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} not found: install iproute2 and nftables"
    probe = "ip link add madkv-probe type bridge && nft add table inet madkv_probe"
    done = subprocess.run([*_namespaces(), "sh", "-c", probe], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip()
        return f"this machine allows no network namespaces (are you root?): {said}"
    return ""


def enter():
    """Run this program again inside, in place of this process; return if it already is inside."""
    if os.environ.get(INSIDE) == "1":
        os.makedirs(NAMES_PATH, exist_ok=True)
        _run("mount", "-t", "tmpfs", "tmpfs", NAMES_PATH)
        _run("ip", "link", "set", "lo", "up")
        return
    if reason := why_not():
        raise NetworkError(reason)
    sys.stdout.flush()
    os.environ[INSIDE] = "1"
    command = [*_namespaces(), sys.executable, *sys.argv]
    os.execvp(command[0], command)


def _run(*command, stdin=None):
    """Output of a command that has to succeed."""
    done = subprocess.run(command, check=False, input=stdin, stdin=None if stdin else
                          subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode != 0:
        raise NetworkError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Network:
    """Namespaces and links for the nodes called `names`; `close` removes them."""

    def __init__(self, names):
        self._index = {name: index for index, name in enumerate(names)}
        self.hosts = {name: f"10.77.1.{index + 1}" for name, index in self._index.items()}
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        _run("ip", "addr", "add", f"{BRIDGE_ADDRESS}/{NETMASK_BITS}", "dev", BRIDGE)
        _run("ip", "link", "set", BRIDGE, "up")
        for name in names:
            self._join(name)

    def _join(self, name):
        """A namespace for one node, with a link to the bridge."""
        space, link = name, f"veth{self._index[name]}"  # at the bridge's end
        _run("ip", "netns", "add", space)
        _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        _run("ip", "link", "set", link, "master", BRIDGE, "up")
        _run("ip", "-n", space, "addr", "add", f"{self.hosts[name]}/{NETMASK_BITS}", "dev", "eth0")
        _run("ip", "-n", space, "link", "set", "eth0", "up")
        _run("ip", "-n", space, "link", "set", "lo", "up")

    def close(self):
        """Remove it all, so that this process can make another one."""
        for name, index in self._index.items():
            _run("ip", "link", "del", f"veth{index}")
            _run("ip", "netns", "del", name)
        _run("ip", "link", "del", BRIDGE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def inside(self, name, command):
        """`command`, run where node `name` lives; it keeps its process id."""
        return ["nsenter", f"--net={NAMES_PATH}/{name}", "--", *command]

    def cut(self, name, others, directions, payload_only=False):
        """Drop what passes between node `name` and nodes `others`, until `heal`.

        `others` None: between `name` and everybody, clients and managers too.
        """
        field = {"input": "saddr", "output": "daddr"}
        only = PAYLOAD if payload_only else ""
        chains = ""
        for hook in directions:
            hosts = "{ %s }" % ", ".join(self.hosts[other] for other in others) if others else None
            match = f"ip {field[hook]} {hosts}" if hosts else f"ip {field[hook]} 10.77.0.0/16"
            chains += (f"chain {hook} {{ type filter hook {hook} priority 0; "
                       f"{match} {only} counter drop; }}\n")
        _run(*self.inside(name, ["nft", "-f", "-"]), stdin=f"table inet madkv {{\n{chains}}}\n")

    def slow(self, name, rate):
        """Let what node `name` sends out at `rate` ("256kbit") and no faster, until `hurry`."""
        _run(*self.inside(name, ["tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", rate,
                                 "burst", "8kb", "latency", "200ms"]))

    def hurry(self, name):
        """Undo `slow`. Returns how often a packet had to wait for its turn."""
        told = _run(*self.inside(name, ["tc", "-s", "-j", "qdisc", "show", "dev", "eth0"]))
        _run(*self.inside(name, ["tc", "qdisc", "del", "dev", "eth0", "root"]))
        return sum(entry.get("overlimits", 0) for entry in json.loads(told))

    def dropped(self, name):
        """{hook: packets dropped} at node `name` since it was cut."""
        listed = _run(*self.inside(name, ["nft", "-j", "list", "table", "inet", "madkv"]))
        rules = [item["rule"] for item in json.loads(listed)["nftables"] if "rule" in item]
        return {rule["chain"]: part["counter"]["packets"] for rule in rules
                for part in rule["expr"] if "counter" in part}

    def heal(self, name):
        """Let everything pass again. Returns {hook: packets dropped}."""
        counts = self.dropped(name)
        _run(*self.inside(name, ["nft", "delete", "table", "inet", "madkv"]))
        return counts
