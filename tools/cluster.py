"""A local cluster of real processes, for the tests, the demo and `just up`.

    with Cluster(managers=3, partitions=2, rf=3) as cluster:
        client = cluster.client()
        client.call("PUT k v")              # ["PUT k not_found"]
        victim = cluster.leader("s0")       # "s0.1", as STATUS says
        cluster.kill(victim)                # SIGKILL
        cluster.restart(victim)             # same flags, same directory

Nodes are named as everywhere: `m.<replica>` and `s<partition>.<replica>`; groups `m`, `s0`, ...
Nothing outlives the process that made a Cluster, even if it is killed: each child asks the kernel
to be killed with it. Nothing here sleeps in the hope that a node is ready by then; what waits,
polls STATUS (through madkv-monitor) against a deadline. Standard library only.

`MADKV_BUILD` names the build directory whose programs are run (rel), `MADKV_KEEP=1` keeps the
temporary directory with data and logs, `MADKV_PROTOCOL` picks the servers' protocol where the caller
does not.
"""

import concurrent.futures
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST = "127.0.0.1"

# The programs' fixed exit statuses (their --help lists them).
EXIT_USAGE = 2
EXIT_IDENTITY = 3
EXIT_PORT_IN_USE = 4

START_TIMEOUT_S = 60.0    # a slow two-core machine under sanitizers
STOP_TIMEOUT_S = 10.0     # from SIGTERM to SIGKILL
STATUS_TIMEOUT_S = 15.0   # for one run of madkv-monitor, which has shorter limits of its own
POLL_INTERVAL_S = 0.05
PORT_TRIES_MAX = 5

MULTIPAXOS, CHAIN = "multipaxos", "chain"
LOG_TAIL_LINES = 15


class ClusterError(Exception):
    """Something about the cluster is not as it has to be; the text says what."""


class NodeExited(ClusterError):
    """A node ended by itself. `name` and `status` say which and how."""

    def __init__(self, name, status, log_tail):
        super().__init__(f"{name} ended by itself with {describe_status(status)}; its log ends:\n"
                         f"{log_tail}")
        self.name = name
        self.status = status


class CallTimeout(ClusterError):
    """No complete answer in time. The call is still on its way: `Client.receive` waits on."""


class ClientGone(ClusterError):
    """The client program ended, or closed its output, in the middle of a call."""


def describe_status(status):
    """Words for a wait status as subprocess gives it (negative: a signal)."""
    if status is None:
        return "no exit status"
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"


def program_path(name, build=None):
    """Path of program `name` in build directory `.build/<build>`."""
    build = build or os.environ.get("MADKV_BUILD") or "rel"
    top = os.path.join(ROOT, ".build", build)
    for folder in ("", "manager", "server", "client", "tools", "tools/monitor", "tools/bench", "tools/inspect",
                   "tools/check"):
        path = os.path.join(top, folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise ClusterError(f"no {name} under .build/{build}: run tools/build {build}")


def protocol_of_environment():
    """What MADKV_PROTOCOL says of the servers' protocol."""
    return os.environ.get("MADKV_PROTOCOL") or MULTIPAXOS


def free_ports(count):
    """`count` distinct free loopback ports, chosen by the kernel.

    All are held until the last one is chosen. Any can still be taken by somebody else before a
    node binds it: the caller has to expect EXIT_PORT_IN_USE and try others.
    """
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            holder = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            holder.bind((HOST, 0))
            ports.append(holder.getsockname()[1])
        return ports


class Topology:
    """Who is in a cluster and where each listens; turns that into the programs' flags."""

    def __init__(self, managers, partitions, rf, ports=None, hosts=None, protocol=None):
        """`ports`: {node: [port for clients, port for peers]}; chosen freely if left out.

        `protocol`: the servers'; else what MADKV_PROTOCOL says.

        `hosts`: {node: address} of nodes that have one of their own (tools/network.py); the others
        are on loopback.
        """
        self.managers = managers
        self.partitions = partitions
        self.rf = rf
        self.protocol = protocol or protocol_of_environment()
        self.names = [f"m.{replica}" for replica in range(managers)]
        self.names += [f"s{partition}.{replica}"
                       for partition in range(partitions) for replica in range(rf)]
        self.hosts = hosts or {}
        self.ports = ports if ports is not None else self.choose_ports()

    def choose_ports(self):
        """Fresh free ports for every node: where all have addresses of their own, any will do."""
        ports = free_ports(2 * len(self.names))
        return {name: [ports[2 * i], ports[2 * i + 1]] for i, name in enumerate(self.names)}

    def address(self, name):
        """Where `name` listens for clients."""
        return f"{self.hosts.get(name, HOST)}:{self.ports[name][0]}"

    def p2p_address(self, name):
        """Where `name` listens for its peers."""
        return f"{self.hosts.get(name, HOST)}:{self.ports[name][1]}"

    def group(self, group):
        """Names of the replicas of `group`, in replica order."""
        return [name for name in self.names if name.split(".")[0] == group]

    @property
    def groups(self):
        """Names of all groups, the managers' first."""
        return ["m"] + [f"s{partition}" for partition in range(self.partitions)]

    @property
    def manager_addrs(self):
        """The list that clients are given."""
        return ",".join(self.address(name) for name in self.group("m"))

    @property
    def server_addrs(self):
        """All servers, by partition first, then replica."""
        return ",".join(self.address(name) for name in self.names if name[0] == "s")

    def program(self, name):
        """The program that node `name` runs."""
        return "madkv-manager" if name[0] == "m" else "madkv-server"

    def flags(self, name, backer_path):
        """Flags of node `name` with storage under `backer_path`."""
        group, replica = name.split(".")
        peers = [self.p2p_address(peer) for peer in self.group(group) if peer != name]
        flags = ["--replica_id", replica, "--p2p_listen", self.p2p_address(name),
                 "--peer_addrs", ",".join(peers) or "none", "--backer_path", backer_path]
        if group == "m":
            flags += ["--man_listen", self.address(name),
                      "--server_rf", str(self.rf), "--server_addrs", self.server_addrs]
        else:
            flags += ["--partition_id", group[1:], "--api_listen", self.address(name),
                      "--manager_addrs", self.manager_addrs]
        if self.protocol != MULTIPAXOS:
            flags += ["--protocol", self.protocol]
        return flags


def monitor_command(manager_addrs, *flags, build=None):
    """Command that shows a cluster; flags such as --once or --json say how."""
    return [program_path("madkv-monitor", build), "--manager_addrs", manager_addrs, *flags]


def read_status(manager_addrs, build=None):
    """The cluster's STATUS as madkv-monitor --json gives it, or None if it gives none."""
    monitor = _spawned(lambda: subprocess.Popen(
        _with_parent(monitor_command(manager_addrs, "--json", build=build)), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True))
    try:
        output, _ = monitor.communicate(timeout=STATUS_TIMEOUT_S)
        return json.loads(output.decode().strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    finally:
        monitor.kill()
        monitor.communicate()


def _with_parent(command):
    """`command`, SIGKILLed by the kernel when the thread that started it ends."""
    return ["setpriv", "--pdeathsig", "KILL", "--", *command]


# The kernel watches the *thread* that started a child, not its process. So that no child dies with
# some short-lived thread of a test, one thread that lives as long as this process starts them all.
_spawner = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def _spawned(start):
    """Result of `start()`, which must not block, on the thread that starts all children."""
    return _spawner.submit(start).result()


class Client:
    """A madkv-client that stays, driven through its stdin and stdout.

    Text is UTF-8; other bytes pass through as surrogate escapes. One call at a time; not for use
    by two threads at once.
    """

    def __init__(self, addrs, args=(), build=None, log=None, *, flag="--manager_addrs"):
        """`args`: further flags. `log`: file for stderr, else it is discarded.

        `flag`: what `addrs` are; --server_addrs for a service without managers.
        """
        command = [program_path("madkv-client", build), flag, addrs, *args]
        with contextlib.ExitStack() as stack:
            stderr = stack.enter_context(open(log, "ab")) if log else subprocess.DEVNULL
            # A session of its own: Ctrl-C is for the one who drives it, who then closes it.
            self.process = _spawned(lambda: subprocess.Popen(
                _with_parent(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, bufsize=0, start_new_session=True))
        self._unread = bytearray()
        self._answer = None   # lines of the answer under way, or None between calls

    def send(self, line):
        """Write one call. Its answer has to be received before the next one is sent."""
        if self._answer is not None:
            raise ClusterError("a call is still without its answer")
        self._answer = []
        try:
            self._write(line.encode("utf-8", "surrogateescape") + b"\n")
        except BrokenPipeError as error:
            raise self._gone() from error

    def receive(self, timeout_s=60.0):
        """Lines of the answer of the call under way. CallTimeout leaves it under way."""
        deadline = time.monotonic() + timeout_s
        while not self._answer or not self._is_complete():
            self._answer.append(self._read_line(deadline))
        answer, self._answer = self._answer, None
        return answer

    def call(self, line, timeout_s=60.0):
        """Send one call and return the lines of its answer."""
        self.send(line)
        return self.receive(timeout_s)

    def received_bytes(self, timeout_s):
        """How many bytes of an answer are there, after `timeout_s` seconds or the first one."""
        if not self._unread and not self._answer:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout_s)
            if ready:
                self._fill()
        return len(self._unread) + sum(len(line) + 1 for line in self._answer or ())

    def close(self, timeout_s=STOP_TIMEOUT_S):
        """End the program, with STOP if it is between calls, and return its exit status."""
        if self.process.poll() is None and self._answer is None:
            with contextlib.suppress(ClusterError, BrokenPipeError):
                self.call("STOP", timeout_s)
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            return self.process.wait(timeout_s if self._answer is None else 0)
        except subprocess.TimeoutExpired:
            return self.kill()
        finally:
            self.process.stdout.close()

    def kill(self):
        """End the program at once and return its exit status."""
        self.process.kill()
        return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view):]

    def _is_complete(self):
        """A Scan's answer goes on until it ends or fails; every other answer is one line.

        Between BEGIN and END only pairs stand, and those are indented.
        """
        first, last = self._answer[0], self._answer[-1]
        if first.startswith("SCAN ") and first.endswith(" BEGIN"):
            return len(self._answer) > 1 and not last.startswith("  ")
        return True

    def _read_line(self, deadline):
        while (end := self._unread.find(b"\n")) < 0:
            left_s = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left_s, 0))
            if ready:
                self._fill()
            elif left_s <= 0:
                raise CallTimeout("no answer in time")
        line = self._unread[:end].decode("utf-8", "surrogateescape")
        del self._unread[:end + 1]
        return line

    def _fill(self):
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        if not data:
            raise self._gone()
        self._unread += data

    def _gone(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        return ClientGone(f"the client ended with {describe_status(self.process.poll())}")


class Cluster:
    """Managers and servers on loopback ports the kernel chose, with storage in a temporary directory.

    Used as a context manager, or by `start` and `stop`. A method that takes a node takes its name.
    """

    def __init__(self, managers=3, partitions=2, rf=3, *, build=None, manager_args=(),
                 server_args=(), env=None, directory=None, network=None, disks=None, protocol=None):
        """`manager_args`, `server_args`: further flags. `env`: additions to the environment.

        `directory`: where data and logs go, made if missing and never removed; else a temporary one.
        `network`: a network.Network that gives each node an address; else all are on loopback.
        `disks`: a disks.Disks (tests/cluster) that makes the nodes' disks fail when told.
        `protocol`: the servers'; else what MADKV_PROTOCOL says.
        """
        self.topology = Topology(managers, partitions, rf, ports={},
                                 hosts=network.hosts if network else None, protocol=protocol)
        self.network = network
        self.disks = disks
        self.build = build
        self.directory = None
        self._given_directory = directory
        self._args = {"m": list(manager_args), "s": list(server_args)}
        self._env = dict(env or {})
        self._processes = {}    # name -> Popen of the last start
        self._ended = set()     # names whose end we brought about
        self._clients = []

    # -- the whole cluster

    def start(self, timeout_s=START_TIMEOUT_S):
        """Start all nodes and wait until every group has a leader and every replica is up."""
        if self._given_directory:
            os.makedirs(self._given_directory, exist_ok=True)
        self.directory = self._given_directory or tempfile.mkdtemp(prefix="madkv-")
        try:
            for _ in range(PORT_TRIES_MAX - 1):
                try:
                    return self._start_on_free_ports(timeout_s)
                except NodeExited as error:
                    if error.status != EXIT_PORT_IN_USE:
                        raise
                self._end_processes(graceful=False)
            return self._start_on_free_ports(timeout_s)
        except BaseException:
            self.stop(graceful=False)
            raise

    def _start_on_free_ports(self, timeout_s):
        # Another choice of ports is another cluster: its nodes get fresh directories.
        for folder in ("data", "logs"):
            shutil.rmtree(os.path.join(self.directory, folder), ignore_errors=True)
            os.mkdir(os.path.join(self.directory, folder))
        self.topology.ports = self.topology.choose_ports()
        for name in self.names:
            self._spawn(name)
        self.wait_healthy(timeout_s)
        return self

    def stop(self, graceful=True):
        """End everything and remove a temporary directory. Returns {node: exit status}.

        Statuses are those of nodes that were still running; a node that needed SIGKILL shows it.
        """
        try:
            for client in self._clients:
                client.kill()
            self._clients = []
            return self._end_processes(graceful)
        finally:
            if self.directory and os.environ.get("MADKV_KEEP") == "1":
                print(f"madkv: kept {self.directory}", file=sys.stderr)
            elif self.directory and not self._given_directory:
                shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def _end_processes(self, graceful):
        running = {name: process for name, process in self._processes.items()
                   if process.poll() is None}
        for process in running.values():
            os.killpg(process.pid, signal.SIGTERM if graceful else signal.SIGKILL)
            os.killpg(process.pid, signal.SIGCONT)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self._processes = {}
        self._ended = set()
        return {name: process.returncode for name, process in running.items()}

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        self.stop(graceful=kind is None)

    # -- what is there

    @property
    def names(self):
        """Names of all nodes, managers first."""
        return self.topology.names

    @property
    def manager_addrs(self):
        """The list that clients are given."""
        return self.topology.manager_addrs

    def data_path(self, name):
        """Storage directory of a node."""
        return os.path.join(self.directory, "data", name)

    def log_path(self, name):
        """File with a node's (or client's) output, over all its starts."""
        return os.path.join(self.directory, "logs", name + ".log")

    def log(self, name):
        """Text of a node's log."""
        with open(self.log_path(name), encoding="utf-8", errors="replace") as log:
            return log.read()

    def pid(self, name):
        """Process id of a node's last start."""
        return self._processes[name].pid

    def is_running(self, name):
        """Has the node's process not ended? A stopped (paused) one has not."""
        return self._processes[name].poll() is None

    def exit_status(self, name):
        """Exit status of a node that ended (negative: the signal), None while it runs."""
        return self._processes[name].poll()

    def check(self):
        """Raise NodeExited if a node ended that nobody here ended."""
        for name, process in self._processes.items():
            if name not in self._ended and process.poll() is not None:
                tail = "\n".join(self.log(name).splitlines()[-LOG_TAIL_LINES:])
                raise NodeExited(name, process.returncode, tail)

    # -- one node

    def kill(self, name):
        """SIGKILL; returns once the process is gone."""
        self._ended.add(name)
        process = self._processes[name]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_all(self):
        """SIGKILL every node, all before any is waited for."""
        self._ended.update(self.names)
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self._processes.values():
            process.wait()

    def terminate(self, name, timeout_s=STOP_TIMEOUT_S):
        """SIGTERM; returns the exit status."""
        self._ended.add(name)
        process = self._processes[name]
        os.killpg(process.pid, signal.SIGTERM)
        return process.wait(timeout_s)

    def pause(self, name):
        """SIGSTOP: connections stay open, nothing is answered."""
        os.killpg(self.pid(name), signal.SIGSTOP)

    def resume(self, name):
        """SIGCONT."""
        os.killpg(self.pid(name), signal.SIGCONT)

    def restart(self, name, args=(), env=None):
        """Start a node that ended again, on its directory and ports. Does not wait for it.

        `args`, `env`: additions for this start only.
        """
        if self.is_running(name):
            raise ClusterError(f"{name} is still running")
        self._ended.discard(name)
        self._spawn(name, args, env)

    def _spawn(self, name, args=(), env=None):
        command = [program_path(self.topology.program(name), self.build),
                   *self.topology.flags(name, self.data_path(name)), *self._args[name[0]], *args]
        if self.network:
            command = self.network.inside(name, command)
        disk = self.disks.env(name, self.data_path(name)) if self.disks else {}
        with open(self.log_path(name), "ab") as log:
            self._processes[name] = _spawned(lambda: subprocess.Popen(
                _with_parent(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd=self.directory,
                env={**os.environ, **self._env, **disk, **(env or {})}))

    # -- STATUS

    def status(self):
        """The cluster as STATUS tells it (madkv-monitor --json), or None if nobody tells."""
        return read_status(self.manager_addrs, self.build)

    def wait_for(self, what, condition, timeout_s=START_TIMEOUT_S):
        """Poll STATUS until `condition(status)` is true, and return its value.

        Raises ClusterError, naming `what`, when time is up, and NodeExited if a node ends.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self.check()
            status = self.status()
            self.check()
            if status is not None and (value := condition(status)):
                return value
            if time.monotonic() > deadline:
                reason = status.get("reason") if status else "no answer to STATUS"
                raise ClusterError(f"not {what} within {timeout_s:g} s: {reason}")
            time.sleep(POLL_INTERVAL_S)

    def wait_healthy(self, timeout_s=START_TIMEOUT_S):
        """Wait until the monitor calls the cluster healthy; returns the status."""
        return self.wait_for("healthy", lambda status: status["healthy"] and status, timeout_s)

    def leader(self, group, timeout_s=START_TIMEOUT_S, other_than=None):
        """Name of the leader of `group`, waiting until STATUS names a live one.

        The process id STATUS gives has to be that of the process this cluster started, so that
        whoever kills the leader knows what he killed. `other_than`: a name that is not taken.
        """
        def find(status):
            for entry in status["groups"]:
                if entry["group"] == group and entry["leader"] is not None:
                    name = f"{group}.{entry['leader']}"
                    if name != other_than and self._says_it_leads(name, entry["replicas"]):
                        return name
            return None
        return self.wait_for(f"led ({group})", find, timeout_s)

    def _says_it_leads(self, name, replicas):
        return any(replica["node"] == name and replica["up"] and replica["role"] == "leader"
                   and replica["pid"] == self.pid(name) for replica in replicas)

    # -- clients

    def client(self, args=(), name=None):
        """A new Client, ended with the cluster at the latest. `name`: of its log."""
        log = self.log_path(name or f"client.{len(self._clients)}")
        client = Client(self.manager_addrs, args, self.build, log)
        self._clients.append(client)
        return client
