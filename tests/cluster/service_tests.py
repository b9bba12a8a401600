"""Servers and managers under a service manager: what they tell it, and the units that start them."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import recipes
from harness import EXIT_IDENTITY, EXIT_OK, EXIT_TOPOLOGY, EXIT_USAGE, END_TIMEOUT_S
from harness import SANITIZER_ENV, Skip, WAIT_TIMEOUT_S, check_logs, local, require, test, wait_until

UNITS = {"madkv-manager@.service": "m.0", "madkv-server@.service": "s0.0"}
GIVES_UP_ON = {EXIT_USAGE, EXIT_IDENTITY, EXIT_TOPOLOGY}


def unit(name):
    """Text of a unit as the build made it, its continued lines joined."""
    build = os.environ.get("MADKV_BUILD") or "rel"
    path = os.path.join(local.ROOT, ".build", build, "tools", "systemd", name)
    with open(path, encoding="utf-8") as file:
        return file.read().replace("\\\n", " ")


def command_of(name, variables, state):
    """What ExecStart of a unit comes to, with variables and specifiers filled in."""
    start = re.search(r"^ExecStart=(.*)$", unit(name), re.M)[1]
    start = start.replace("%S", state).replace("%i", UNITS[name])
    words = [variables[word[2:-1]] if word.startswith("${") else word for word in start.split()
             if word != "$MORE_FLAGS"]
    return [local.program_path(os.path.basename(words[0])), *words[1:]]


@contextlib.contextmanager
def started(command, place, notify):
    """A process whose NOTIFY_SOCKET is `notify`; what it says goes to a log of its own."""
    os.makedirs(place.path("logs"), exist_ok=True)
    log = place.path(f"logs/{os.path.basename(command[0])}.log")
    with open(log, "ab") as file:
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *command],
                                   stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                   env={**os.environ, **SANITIZER_ENV, "NOTIFY_SOCKET": notify})
    process.log = log
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def listener(name):
    """The socket of a service manager."""
    handle = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    handle.bind("\0" + name[1:] if name.startswith("@") else name)
    handle.settimeout(WAIT_TIMEOUT_S)
    return handle


def check_lifetime(process, handle, address):
    """READY comes when it listens, STOPPING when it is told to end, and nothing else."""
    require(handle.recv(100) == b"READY=1", "the first word is not READY=1")
    host, port = address.split(":")
    socket.create_connection((host, int(port)), END_TIMEOUT_S).close()
    process.send_signal(signal.SIGTERM)
    require(handle.recv(100) == b"STOPPING=1", "the second word is not STOPPING=1")
    require(process.wait(END_TIMEOUT_S) == EXIT_OK, f"SIGTERM ended it with {process.returncode}")


def planned_variables(place, topology):
    """{node: variables}, as `cluster::plan` writes them for systemd."""
    path = place.path("cluster.hosts")
    with open(path, "w", encoding="utf-8") as file:
        nodes = " ".join(f"{name}:{port}/{p2p}" for name, (port, p2p) in topology.ports.items())
        file.write(f"{local.HOST} {nodes}\n")
    done = recipes.run("cluster::plan", path, "systemd")
    files = dict(re.findall(r"^cat >/etc/madkv/(\S+)\.env <<'END'\n(.*?)^END$", done.stdout,
                            re.M | re.S))
    require(set(files) == {"cluster", *topology.names}, f"planned {done.stdout}")
    return {name: dict(line.split("=", 1) for line in (files["cluster"] + files[name]).splitlines())
            for name in topology.names}


@test
def test_units_start_nodes_that_tell_when_they_serve(place):
    """Each ExecStart as it stands, with the variables that `cluster::plan` writes; by a socket with a
    path, and by an abstract one."""
    topology = local.Topology(1, 1, 1)
    variables = planned_variables(place, topology)
    with contextlib.ExitStack() as stack:
        for name, notify in (("madkv-manager@.service", place.path("notify")),
                             ("madkv-server@.service", f"@madkv-test-{os.getpid()}")):
            handle = stack.enter_context(listener(notify))
            command = command_of(name, variables[UNITS[name]], place.directory)
            process = stack.enter_context(started(command, place, notify))
            if "manager" in name:
                require(handle.recv(100) == b"READY=1", "the manager is not ready")
            else:
                check_lifetime(process, handle, topology.address("s0.0"))
    check_logs(place.path("logs"))


@test
def test_server_is_not_ready_before_its_managers(place):
    """It waits for them as long as it takes, tells nothing meanwhile, and can be ended."""
    flags = local.Topology(1, 1, 1).flags("s0.0", place.path("s0.0"))
    with listener(place.path("notify")) as handle, started(
            [local.program_path("madkv-server"), *flags], place, place.path("notify")) as process:
        wait_until("waiting", lambda: "waiting" in open(process.log, encoding="utf-8").read())
        handle.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            require(False, f"it told {handle.recv(100)} before it serves")
        process.send_signal(signal.SIGTERM)
        require(process.wait(END_TIMEOUT_S) == EXIT_OK, f"SIGTERM: {process.returncode}")


@test
def test_node_serves_though_nobody_hears_that_it_does(place):
    """A socket that is gone is said, once, and no reason to end."""
    address = f"{local.HOST}:{local.free_ports(1)[0]}"
    command = [local.program_path("madkv-server"), "--manager_addrs", "none", "--api_listen",
               address, "--backer_path", "none"]
    with started(command, place, place.path("gone")) as process:
        with local.Client(address, flag="--server_addrs") as client:
            require(client.call("PUT k v") == ["PUT k not_found"], "it does not serve")
        with open(process.log, encoding="utf-8") as log:
            require(log.read().count("cannot be told READY=1") == 1, "it did not say so once")


@test
def test_units_are_well_formed_and_give_up_on_what_restarts_cannot_mend(place):
    """By systemd's own check; and the statuses are those of the programs."""
    for name in UNITS:
        prevented = re.search(r"^RestartPreventExitStatus=(.*)$", unit(name), re.M)[1]
        require(set(map(int, prevented.split())) == GIVES_UP_ON, f"{name}: {prevented}")
    if shutil.which("systemd-analyze") is None:
        raise Skip("systemd-analyze is not installed: units are not verified")
    for name, node in UNITS.items():
        text = re.sub(r"^ExecStart=\S+", "ExecStart=" + local.program_path(name.split("@")[0]),
                      unit(name), flags=re.M)
        path = place.path(name.replace("@", "@" + node))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(["systemd-analyze", "verify", path], check=False, timeout=END_TIMEOUT_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        require(done.returncode == 0 and path not in done.stdout, f"{name}: {done.stdout}")


@test
def test_units_are_installed_on_request_only(place):
    """By a target of their own."""
    def meson(*words, **env):
        done = subprocess.run(["meson", *words], check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, **env})
        require(done.returncode == 0, done.stdout)
        return done.stdout

    build, files = place.path("build"), {*UNITS, "cluster.env.example", "README.md"}
    meson("setup", build, local.ROOT)
    listed = json.loads(meson("introspect", "--installed", build))
    names = {os.path.basename(path) for path in listed.values()}
    require(not names & files, f"meson install installs {names & files}")
    target = place.path("target")
    meson("compile", "-C", build, "install-systemd", DESTDIR=target)
    found = {name for _, _, names in os.walk(target) for name in names}
    require(found == files, f"install-systemd installs {found}")
