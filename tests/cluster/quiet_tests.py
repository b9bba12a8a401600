"""What a cluster uses when nobody asks anything, and what it leaves behind when it ends."""

import contextlib
import os
import signal
import subprocess
import time

from harness import EXIT_OK, SANITIZER_ENV
from harness import hold, local, require, run, say, test
from load import Load

IDLE_S = 5.0
IDLE_SHARE_MAX = 0.02
END_LIMIT_S = 5.0


def cpu_seconds(pid):
    """User and system time of a process, all threads."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@test
def test_idle_cluster_uses_under_2_percent_of_a_core_each(place):
    """3 managers and 2 x 3 servers for five seconds, after some calls. The sentence is about a
    stretch of time, so this is one of the few tests that let one pass."""
    build = os.environ["MADKV_BUILD"]
    slow = any(kind in build for kind in ("asan", "tsan", "debug"))
    limit = 10 * IDLE_SHARE_MAX if slow else IDLE_SHARE_MAX
    with place.cluster(partitions=2) as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(500)
        load.judge()
        hold(1.0)
        before = {name: cpu_seconds(cluster.pid(name)) for name in cluster.names}
        began = time.monotonic()
        hold(IDLE_S)
        took_s = time.monotonic() - began
        used = {name: (cpu_seconds(cluster.pid(name)) - before[name]) / took_s
                for name in cluster.names}
        cluster.wait_healthy()
        say("of a core: " + ", ".join(f"{name} {100 * share:.1f} %"
                                      for name, share in used.items()))
        greedy = {name: share for name, share in used.items() if share >= limit}
        require(not greedy, f"idle nodes use more than {100 * limit:.0f} % of a core: {greedy}")


@test
def test_sigterm_ends_every_program_under_load(place):
    """With status 0, in time, without a process left in any of their groups."""
    with place.cluster() as cluster:
        pids = {name: cluster.pid(name) for name in cluster.names}
        with Load(cluster, place.path("history"), clients=4) as load:
            load.wait(500)
            began = time.monotonic()
            for name in cluster.names:
                status = cluster.terminate(name)
                require(status == EXIT_OK, f"SIGTERM ended {name} with status {status}")
            took_s = time.monotonic() - began
            for name in cluster.names:
                cluster.restart(name)
            load.wait(200)
        load.judge()
        say(f"{len(pids)} nodes, one after the other, in {took_s:.2f} s")
        require(took_s < END_LIMIT_S, f"ending took {took_s:.1f} s")
        for name, pid in pids.items():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, 0)
                require(False, f"{name} left a process behind")


@test
def test_sigterm_ends_a_server_that_waits_for_its_managers(place):
    """And a manager that waits for the others."""
    topology = local.Topology(3, 1, 3)
    for name in ("s0.0", "m.0"):
        command = ["setpriv", "--pdeathsig", "KILL", "--",
                   local.program_path(topology.program(name)),
                   *topology.flags(name, place.path(name))]
        with subprocess.Popen(command, stderr=subprocess.PIPE,
                              env={**os.environ, **SANITIZER_ENV}) as process:
            try:
                require(process.stderr.readline(), f"{name} said nothing and ended")
                process.send_signal(signal.SIGTERM)
                status = process.wait(END_LIMIT_S)
                require(status == EXIT_OK, f"SIGTERM ended a waiting {name} with {status}")
            finally:
                process.kill()


def written_files(pid):
    """Paths of the regular files that a process may write to."""
    paths = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            path = os.readlink(f"/proc/{pid}/fd/{number}")
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as file:
                flags = next(int(line.split()[1], 8) for line in file if line.startswith("flags"))
            if flags & os.O_ACCMODE != os.O_RDONLY and os.path.isfile(path):
                paths.add(path)
    return paths


@test
def test_no_file_appears_outside_backer_path(place):
    """Not in the working directory, the home, or the temporary directory; none open elsewhere."""
    empty = [place.path("home"), place.path("tmp")]
    for path in empty:
        os.mkdir(path)
    env = {"HOME": empty[0], "TMPDIR": empty[1]}
    with place.cluster(managers=1, env=env) as cluster:
        client = cluster.client()
        client.call("PUT k v")
        for name in cluster.names:
            home = cluster.data_path(name) + "/"
            strange = {path for path in written_files(cluster.pid(name))
                       if not path.startswith(home) and path != cluster.log_path(name)}
            require(not strange, f"{name} writes to {strange}")
            for entry in [home, *(home + file for file in os.listdir(home))]:
                require(os.stat(entry).st_mode & 0o077 == 0, f"others may read {entry}")
        require(not written_files(client.process.pid) - {cluster.log_path("client.0")},
                "the client writes to files")
        for name in cluster.names:
            require(cluster.terminate(name) == EXIT_OK, f"{name} did not end well")
        found = sorted(os.listdir(cluster.directory))
        require(found == ["data", "logs"], f"the working directory holds {found}")
        found = sorted(os.listdir(os.path.join(cluster.directory, "data")))
        require(found == sorted(cluster.names), f"beside the data directories: {found}")
        for path in empty:
            require(not os.listdir(path), f"{path} holds {os.listdir(path)}")


@test
def test_memory_only_service_writes_no_file(place):
    """--backer_path none."""
    port = local.free_ports(1)[0]
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path("madkv-server"),
               "--manager_addrs", "none", "--api_listen", f"{local.HOST}:{port}",
               "--backer_path", "none"]
    empty = place.path("empty")
    os.mkdir(empty)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, cwd=empty,
                          env={**os.environ, **SANITIZER_ENV}) as process:
        try:
            flags = ["--server_addrs", f"{local.HOST}:{port}"]
            done = run("madkv-client", flags, stdin="PUT k v\n")
            require(done.stdout == "PUT k not_found\n", f"answered {done.stdout!r}")
            require(not written_files(process.pid), f"it writes to {written_files(process.pid)}")
            process.send_signal(signal.SIGTERM)
            require(process.wait(END_LIMIT_S) == EXIT_OK, "it did not end well")
            require(not os.listdir(empty), f"it left {os.listdir(empty)}")
        finally:
            process.kill()
