"""What the programs refuse before they serve: one line on stderr, and the exit status of its kind.

None of these needs a cluster, so they are quick; directories of clusters are in directory_tests.py.
"""

import contextlib
import os
import socket
import subprocess

from harness import EXIT_ADDRESS, EXIT_OK, EXIT_STORAGE, EXIT_USAGE, Skip
from harness import changed, local, require, run, say, test

MANAGER = "madkv-manager"
SERVER = "madkv-server"
CLIENT = "madkv-client"
TINY_DISK = "size=1m"


def manager_flags(place):
    """Flags of a manager that would serve."""
    return local.Topology(3, 1, 3).flags("m.0", place.path("m.0"))


def server_flags(place):
    """Flags of a server that would wait for its managers."""
    return local.Topology(3, 1, 3).flags("s0.0", place.path("s0.0"))


def alone_flags(place):
    """Flags of a whole service in one process."""
    port = local.free_ports(1)[0]
    return ["--manager_addrs", "none", "--api_listen", f"{local.HOST}:{port}",
            "--backer_path", place.path("alone")]


@test
def test_help_and_version_go_to_stdout(place):
    """And --help lists every exit status."""
    del place
    for name, statuses in ((MANAGER, "0123467"), (SERVER, "0123467"), (CLIENT, "012")):
        done = run(name, ["--help"])
        require(done.status == EXIT_OK and done.stderr == "", f"{name} --help: {done.stderr}")
        for status in statuses:
            require(f"\n  {status}  " in done.stdout, f"{name} --help does not list {status}")
        done = run(name, ["--version"])
        require(done.status == EXIT_OK and done.stderr == "" and done.stdout.count("\n") == 1,
                f"{name} --version: {done.stdout!r} {done.stderr!r}")


@test
def test_missing_flags_are_named(place):
    """Each required flag in turn."""
    flags = manager_flags(place)
    for name in ("replica_id", "man_listen", "p2p_listen", "server_rf", "server_addrs",
                 "backer_path"):
        run(MANAGER, changed(flags, **{name: None})).refused(EXIT_USAGE, "--" + name)
    flags = server_flags(place)
    for name in ("partition_id", "replica_id", "manager_addrs", "api_listen", "p2p_listen",
                 "backer_path"):
        run(SERVER, changed(flags, **{name: None})).refused(EXIT_USAGE, "--" + name)
    run(CLIENT, []).refused(EXIT_USAGE, "--manager_addrs")


@test
def test_wrong_flags_are_told_with_what_was_given(place):
    """Numbers, addresses, words and flags that there are not."""
    manager, server = manager_flags(place), server_flags(place)
    cases = [
        (MANAGER, manager, "replica_id", "x"), (MANAGER, manager, "replica_id", "-1"),
        (MANAGER, manager, "replica_id", "3"), (MANAGER, manager, "replica_id", "1e0"),
        (MANAGER, manager, "replica_id", "99999999999999999999"),
        (MANAGER, manager, "replica_id", ""),
        (MANAGER, manager, "server_rf", "0"), (MANAGER, manager, "server_rf", "2"),
        (MANAGER, manager, "server_rf", "11"),
        (MANAGER, manager, "man_listen", "nowhere"),
        (MANAGER, manager, "man_listen", "127.0.0.1:"),
        (MANAGER, manager, "man_listen", "127.0.0.1:x"),
        (MANAGER, manager, "man_listen", "127.0.0.1:65536"),
        (MANAGER, manager, "man_listen", "127.0.0.1:-1"),
        (MANAGER, manager, "p2p_listen", ":3606"),
        (SERVER, server, "api_listen", "127.0.0.1:3777:1"),
        (SERVER, server, "replica_id", "3"), (SERVER, server, "partition_id", "x"),
        (SERVER, server, "partition_id", "256"), (SERVER, server, "protocol", "raft"),
        (MANAGER, manager, "protocol", "raft"), (MANAGER, manager, "protocol", ""),
        (SERVER, server, "reads", "never"), (SERVER, server, "threads", "many"),
        (SERVER, server, "spin_us", "10001"), (MANAGER, manager, "spin_us", "-1"),
    ]
    for program, flags, name, given in cases:
        run(program, changed(flags, **{name: given})).refused(EXIT_USAGE, "--" + name, given)
    run(SERVER, server + ["--no_such_flag", "1"]).refused(EXIT_USAGE, "no_such_flag")
    run(SERVER, server + ["rest"]).refused(EXIT_USAGE, "rest")
    run(CLIENT, ["--manager_addrs", "nowhere"]).refused(EXIT_USAGE, "--manager_addrs", "nowhere")
    run(CLIENT, ["--manager_addrs", "127.0.0.1:1", "--timeout", "x"]).refused(EXIT_USAGE,
                                                                              "--timeout", "x")


@test
def test_chains_are_refused_what_they_cannot_do_without(place):
    """Managers, and a memory for all of them; and there is no index to read by."""
    manager, server = manager_flags(place), server_flags(place)
    run(SERVER, changed(alone_flags(place), protocol="chain")).refused(
        EXIT_USAGE, "--protocol", "'chain'", "managers")
    run(SERVER, changed(server, protocol="chain", reads="index")).refused(
        EXIT_USAGE, "--reads", "'index'", "chain")
    run(MANAGER, changed(manager, protocol="chain", backer_path="none")).refused(
        EXIT_USAGE, "--backer_path", "'none'", "chain")
    run(SERVER, changed(server, protocol="chain", backer_path="none")).refused(
        EXIT_USAGE, "--backer_path", "'none'", "chain")


@test
def test_hyphens_are_taken_for_underscores(place):
    """--replica-id x is refused for its x, not for its name."""
    run(MANAGER, ["--replica-id", "x"]).refused(EXIT_USAGE, "'x'")
    del place


@test
def test_lists_of_a_wrong_length_or_with_a_double_are_refused(place):
    """Peers make a group of 1, 3, 5, 7 or 9; servers are whole partitions."""
    manager, server = manager_flags(place), server_flags(place)
    addresses = [f"127.0.0.1:{port}" for port in range(4001, 4011)]
    for count in (1, 3, 5, 7, 9, 10):
        given = ",".join(addresses[:count])
        run(MANAGER, changed(manager, peer_addrs=given)).refused(EXIT_USAGE, "--peer_addrs")
        run(SERVER, changed(server, peer_addrs=given)).refused(EXIT_USAGE, "--peer_addrs")
    for given in ("127.0.0.1:4001,127.0.0.1:4001", "127.0.0.1:4001,", "127.0.0.1:4001,bad"):
        run(SERVER, changed(server, peer_addrs=given)).refused(EXIT_USAGE, "--peer_addrs")
    for count in (1, 2, 4, 5):
        given = ",".join(addresses[:count])
        run(MANAGER, changed(manager, server_addrs=given)).refused(EXIT_USAGE, "--server_addrs")
    run(MANAGER, changed(manager, server_addrs="none")).refused(EXIT_USAGE, "--server_addrs")
    double = ",".join([addresses[0]] * 3)
    run(MANAGER, changed(manager, server_addrs=double)).refused(EXIT_USAGE, "--server_addrs",
                                                                addresses[0])
    run(SERVER, changed(server, manager_addrs="none")).refused(EXIT_USAGE, "--peer_addrs")


@test
def test_port_in_use_is_told(place):
    """The clients' and the peers', by somebody who is no MadKV."""
    with contextlib.closing(socket.create_server((local.HOST, 0))) as other:
        taken = f"{local.HOST}:{other.getsockname()[1]}"
        run(SERVER, changed(alone_flags(place), api_listen=taken)).refused(EXIT_ADDRESS,
                                                                           "--api_listen", taken)
        flags = manager_flags(place)
        run(MANAGER, changed(flags, man_listen=taken)).refused(EXIT_ADDRESS, "--man_listen", taken)
        run(MANAGER, changed(flags, p2p_listen=taken)).refused(EXIT_ADDRESS, "--p2p_listen", taken)


@test
def test_address_of_another_machine_is_told(place):
    """192.0.2.0/24 is for documentation, so it is nobody's; a name that there is not, likewise."""
    flags = alone_flags(place)
    for given in ("192.0.2.1:4000", "no-such-host.invalid:4000"):
        run(SERVER, changed(flags, api_listen=given)).refused(EXIT_ADDRESS, "--api_listen", given)


@test
def test_unwritable_directory_is_told(place):
    """A file in its place, a place where nobody can make one."""
    with open(place.path("file"), "w", encoding="ascii"):
        pass
    for path in (place.path("file"), place.path("file/below"), "/proc/madkv"):
        run(SERVER, changed(alone_flags(place), backer_path=path)).refused(EXIT_STORAGE, path)
        run(MANAGER, changed(manager_flags(place), backer_path=path)).refused(EXIT_STORAGE, path)


@contextlib.contextmanager
def mounted(path, options):
    """A file system in memory at `path`; whoever may not mount skips the test."""
    os.mkdir(path)
    if os.geteuid() != 0:
        raise Skip("mounting a small disk needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=False,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise Skip(f"mount: {done.stderr.decode(errors='replace').strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


@test
def test_full_disk_at_start_is_told(place):
    """A disk of 1 MiB that is full, one that is only too small, and one that is read-only."""
    disk = place.path("disk")
    flags = [(SERVER, changed(alone_flags(place), backer_path=disk + "/data")),
             (MANAGER, changed(manager_flags(place), backer_path=disk + "/data"))]
    with mounted(disk, TINY_DISK):
        for program, given in flags:
            run(program, given).refused(EXIT_STORAGE, disk, "room")
        with open(disk + "/filler", "wb") as filler, contextlib.suppress(OSError):
            filler.write(bytes(1 << 21))
        for program, given in flags:
            run(program, given).refused(EXIT_STORAGE, disk, "room")
    os.rmdir(disk)
    with mounted(disk, TINY_DISK + ",ro"):
        for program, given in flags:
            said = run(program, given).refused(EXIT_STORAGE, disk).stderr.strip()
        say(said)
