"""A file of hosts: which machine runs which nodes of a cluster. Read, checked and turned into plans.

    # three machines, two partitions of three replicas
    tree = madkv                        # the tree on every host; default: where it is on this one
    data = /srv/madkv/backer            # each node's data are in <data>.<node>; default ./backer
    10.0.0.1   m.0  s0.0  s1.0          # a host as the others reach it, and its nodes
    10.0.0.2   m.1  s0.1  s1.1
    me@10.0.0.3   m.2  s0.2  s1.2:4777/4707

A node may have the port for clients and that for peers behind its name. Without them managers have
3666 + replica and 3606 + replica, and servers 3777 and 3707 + their place in the list of servers (by
partition first, then replica). What stands before an @ is for ssh alone. Everything that can be known
to be wrong from the file alone is, with its line, before anybody acts on it.
"""

import collections
import re

FACTORS = (1, 3, 5, 7, 9)
PORTS = {"m": (3666, 3606), "s": (3777, 3707)}   # of the first manager and of the first server
PORT_MAX = 65535
DEFAULTS = {"tree": None, "data": "./backer"}

NODE = re.compile(r"(m\.[0-8]|s(?:0|[1-9][0-9]{0,2})\.[0-8])(?::(\d{1,5})/(\d{1,5}))?")
HOST = re.compile(r"(?:[\w.-]+@)?([A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:]+\])")

Node = collections.namedtuple("Node", "name login host ports line")


class HostsError(Exception):
    """The file cannot be used; the text says where and why."""


class Hosts:
    """A file that was read and found to be right."""

    def __init__(self, path, text):
        self.path = path
        self.settings = dict(DEFAULTS)
        self.nodes = {}     # name -> Node, in the order of managers, partitions, replicas
        self.logins = []    # what ssh is given, in the order of the file
        self._read(text)
        self._check_complete()
        self._place_ports()
        self._check_ports()

    @classmethod
    def load(cls, path):
        """The hosts of the file at `path`."""
        try:
            with open(path, encoding="utf-8") as file:
                return cls(path, file.read())
        except OSError as error:
            raise HostsError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise HostsError(f"{path}: is no text") from error

    def _fail(self, line, text):
        raise HostsError(f"{self.path}:{line}: {text}")

    # -- reading

    def _read(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            words = line.partition("#")[0].split()
            if len(words) > 1 and words[1] == "=":
                self._read_setting(number, words)
            elif words:
                self._read_host(number, words)

    def _read_setting(self, line, words):
        if words[0] not in DEFAULTS:
            self._fail(line, f"setting is '{words[0]}'; expected {' or '.join(DEFAULTS)}")
        if len(words) != 3:
            self._fail(line, f"{words[0]} has {len(words) - 2} values; expected one, without spaces")
        self.settings[words[0]] = words[2]

    def _read_host(self, line, words):
        login, *names = words
        found = HOST.fullmatch(login)
        if not found:
            self._fail(line, f"host is '{login}'; expected a name, an IPv4 address or [IPv6]")
        if login in self.logins:
            self._fail(line, f"host {login} is listed twice; give it one line with all its nodes")
        if not names:
            self._fail(line, f"host {login} has no nodes, such as m.0 or s0.1")
        self.logins.append(login)
        for name in names:
            self._read_node(line, login, found[1], name)

    def _read_node(self, line, login, host, word):
        found = NODE.fullmatch(word)
        if not found:
            self._fail(line, f"node is '{word}'; expected m.<replica> or s<partition>.<replica>, "
                             "with :<port>/<peer port> behind it where they are not the usual ones")
        name, *ports = found.groups()
        if name in self.nodes:
            self._fail(line, f"{name} is listed twice, first in line {self.nodes[name].line}")
        for port in filter(None, ports):
            if not 1 <= int(port) <= PORT_MAX:
                self._fail(line, f"{name}: port is {port}; expected 1 to {PORT_MAX}")
        given = tuple(map(int, ports)) if ports[0] else None
        self.nodes[name] = Node(name, login, host, given, line)

    # -- checking

    def _check_complete(self):
        groups = collections.defaultdict(set)
        for name in self.nodes:
            group, replica = name.split(".")
            groups[group].add(int(replica))
        if "m" not in groups:
            raise HostsError(f"{self.path}: no manager; expected m.0, or m.0 to m.2 for a majority")
        partitions = sorted(int(group[1:]) for group in groups if group != "m")
        if not partitions:
            raise HostsError(f"{self.path}: no server; expected s0.0 at least")
        for partition in range(partitions[-1]):
            if partition not in partitions:
                raise HostsError(f"{self.path}: partition s{partition} is missing, "
                                 f"though there is s{partitions[-1]}")
        self.manager_count = self._count(groups, "m")
        factors = {group: self._count(groups, group) for group in groups if group != "m"}
        self.rf = factors["s0"]
        for group, factor in factors.items():
            if factor != self.rf:
                raise HostsError(f"{self.path}: {group} has {factor} replicas and s0 has {self.rf}; "
                                 "expected as many everywhere")
        self.partition_count = len(partitions)
        order = [f"m.{replica}" for replica in range(self.manager_count)]
        order += [f"s{partition}.{replica}" for partition in partitions
                  for replica in range(self.rf)]
        self.nodes = {name: self.nodes[name] for name in order}

    def _count(self, groups, group):
        """How many replicas a group has, none of which is missing."""
        replicas = groups[group]
        for replica in range(max(replicas)):
            if replica not in replicas:
                raise HostsError(f"{self.path}: {group}.{replica} is missing, "
                                 f"though there is {group}.{max(replicas)}")
        if len(replicas) not in FACTORS:
            raise HostsError(f"{self.path}: {group} has {len(replicas)} replicas; "
                             "expected 1, 3, 5, 7 or 9")
        return len(replicas)

    def _place_ports(self):
        places = {"m": 0, "s": 0}
        for name, node in self.nodes.items():
            first, first_p2p = PORTS[name[0]]
            place = places[name[0]]
            places[name[0]] += 1
            if node.ports is None:
                self.nodes[name] = node._replace(ports=(first + place, first_p2p + place))

    def _check_ports(self):
        users = {}
        for node in self.nodes.values():
            for port in node.ports:
                if (node.host, port) in users:
                    other = users[node.host, port]
                    self._fail(node.line, f"port {port} of {node.host} is doubled: {node.name} and "
                                          f"{other} both use it")
                users[node.host, port] = node.name

    # -- what follows from it

    def on(self, login):
        """The nodes of one host."""
        return [node for node in self.nodes.values() if node.login == login]

    def addresses(self, kind, which):
        """host:port of all managers ("m") or servers ("s"); `which`: 0 for clients, 1 for peers."""
        return ",".join(f"{node.host}:{node.ports[which]}" for name, node in self.nodes.items()
                        if name[0] == kind)

    @property
    def manager_addrs(self):
        """What clients are given."""
        return self.addresses("m", 0)

    def parameters(self, node):
        """The parameters of p3::service for one node."""
        return [node.name, self.manager_addrs, self.addresses("m", 1), str(self.rf),
                self.addresses("s", 0), self.addresses("s", 1), self.settings["data"]]

    def peers(self, node):
        """Peer addresses of a node's group without itself, or none."""
        group = node.name.split(".")[0]
        return ",".join(f"{other.host}:{other.ports[1]}" for other in self.nodes.values()
                        if other.name.split(".")[0] == group and other != node) or "none"
