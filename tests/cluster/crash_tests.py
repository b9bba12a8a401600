"""Death at named places (actors/crash.h): before and after each commit, send, apply, checkpoint and cut,
of a leader and of a follower, under load that is judged.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
import time

import zmtp
from checkpoint_tests import volume
from directory_tests import flags_of
from harness import EXIT_OK, EXIT_USAGE, SANITIZER_ENV, Failure
from harness import figure, followers, kill, local, require, run, say, test, wait_level, wait_until
from load import Load

CALLS = 300
CALLS_EACH = 40           # answered while the victim is down
COUNT_MAX = 40            # times a place is passed at most before the death
VOLUME_PLACES = ("checkpoint", "cut")   # which only much data leads to
SNAPSHOT_PLACES = ("stage", "install")  # which only one who needs a snapshot comes to
OTHER_PLACES = ("start", "identity")    # which only a start, or the first one, leads to
MOVE_LEADER = 1


def places():
    """All names, as --help lists them."""
    done = run("madkv-server", ["--help"])
    require(done.status == EXIT_OK, "--help failed")
    return re.findall(r"^  ([a-z]+\.(?:before|after)): ", done.stdout, re.M)


def kind_of(place_name):
    """commit of commit.before."""
    return place_name.split(".")[0]


def lead(cluster, name):
    """Makes a server the leader of its group, by order."""
    group = name.split(".")[0]

    def leads():
        leader = cluster.leader(group)
        if leader == name:
            return True
        with zmtp.dealer(cluster.topology.address(leader)) as connection:
            connection.sendall(zmtp.message(zmtp.head(
                "ADMIN", {"action": MOVE_LEADER, "replica": int(name.split(".")[1])})))
            connection.recv(1)
        return cluster.leader(group) == name
    wait_until(f"led by {name}", leads)


def die_at(cluster, load, name, place_name, count, leads):
    """Restarts a node that ended, so that it dies there, and waits until it has; then brings it back."""
    cluster.restart(name, env={"MADKV_CRASH_AT": f"{place_name}:{count}"})
    if leads:
        # It may die on the way there: then it died as a follower about to lead.
        with contextlib.suppress(local.ClusterError, Failure, OSError):
            lead(cluster, name)
    wait_until(f"dead at {place_name} ({name})", lambda: not cluster.is_running(name))
    require(cluster.exit_status(name) == -9,
            f"{name} ended with {cluster.exit_status(name)} at {place_name}")
    cluster.kill(name)   # it is dead; that was meant
    load.wait(CALLS_EACH)
    cluster.restart(name)
    cluster.wait_healthy()


def walk(place, chosen, counts):
    """Through all of `chosen`, as follower and as leader; judged."""
    with place.cluster(managers=1, server_args=["--allow_admin"]) as cluster:
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            load.wait(CALLS)
            began_ns = time.monotonic_ns()
            with volume(cluster) if counts is None else contextlib.nullcontext():
                for place_name in chosen:
                    for leads in (False, True):
                        victim = followers(cluster, "s0")[0]
                        kill(cluster, victim)
                        count = 1 if counts is None else counts.randint(1, COUNT_MAX)
                        die_at(cluster, load, victim, place_name, count, leads)
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(began_ns)
        wait_level(cluster, "s0")


@test
def test_death_at_every_place_loses_no_answered_write(place):
    """Of commits, sends and applied batches."""
    chosen = [name for name in places() if kind_of(name) not in VOLUME_PLACES + SNAPSHOT_PLACES + OTHER_PLACES]
    require(len(chosen) >= 6, f"only {chosen}")
    walk(place, chosen, random.Random(3))
    say(f"died at {', '.join(chosen)}")


@test
def test_death_around_checkpoints_and_cuts_loses_no_answered_write(place):
    """With enough written that there are some."""
    chosen = [name for name in places() if kind_of(name) in VOLUME_PLACES]
    require(len(chosen) >= 4, f"only {chosen}")
    walk(place, chosen, None)
    say(f"died at {', '.join(chosen)}")


@test
def test_death_amid_a_snapshot_loses_no_answered_write(place):
    """Of a replica that lost its disk, when the others have cut what it would need."""
    victim, taken = "s0.2", 0
    chosen = [name for name in places() if kind_of(name) in SNAPSHOT_PLACES]
    require(len(chosen) >= 4, f"only {chosen}")
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            with volume(cluster):
                wait_until("the log cut", lambda: figure(cluster, "s0.0", "acceptor.cut_slot") > 0)
                began_ns = time.monotonic_ns()
                for place_name in chosen:
                    kill(cluster, victim)
                    shutil.rmtree(cluster.data_path(victim))
                    die_at(cluster, load, victim, place_name, 1, False)
                    wait_until("voting", lambda: figure(cluster, victim, "acceptor.admitted") == 1)
                    taken += figure(cluster, victim, "applier.takeovers")
                kill(cluster, victim)
                looked = run("madkv-inspect", [cluster.data_path(victim)])
                require(looked.status == EXIT_OK, f"a directory after snapshots: {looked.stdout}")
                cluster.restart(victim)
                cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(began_ns)
        wait_level(cluster, "s0")
    require(taken >= len(chosen) // 2, f"only {taken} snapshots were taken")
    say(f"died at {', '.join(chosen)}; {taken} snapshots were taken afterwards")


@test
def test_death_at_any_place_of_a_first_start_leaves_a_directory_to_start_on(place):
    """Founding a cluster of one manager and one server, with deaths wherever they can come."""
    for place_name in [name for name in places() if kind_of(name) in OTHER_PLACES + ("commit",)]:
        with place.cluster(managers=1, rf=1) as cluster:
            for name in cluster.names:
                kill(cluster, name)
                cluster.restart(name, env={"MADKV_CRASH_AT": place_name})
                if kind_of(place_name) != "identity":   # which is written down already
                    wait_until("dead", lambda name=name: not cluster.is_running(name))
                    require(cluster.exit_status(name) == -9, f"{name}: {cluster.exit_status(name)}")
                    cluster.kill(name)
                    cluster.restart(name)
            cluster.wait_healthy()
            client = cluster.client()
            require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
            fresh = place.path(place_name)
            die_fresh(cluster, fresh, place_name)


def die_fresh(cluster, directory, place_name):
    """A fresh service of one dies at its first steps, and comes up on what that left."""
    flags = ["--manager_addrs", "none", "--backer_path", directory, "--api_listen",
             f"{local.HOST}:{local.free_ports(1)[0]}"]
    program = local.program_path("madkv-server")
    command = ["setpriv", "--pdeathsig", "KILL", "--", program, *flags]
    env = {**os.environ, **SANITIZER_ENV}
    died = subprocess.run(command, env={**env, "MADKV_CRASH_AT": place_name}, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    require(died.returncode == -9, f"at {place_name} it ended with {died.returncode}")
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            require(any("elected" in line for line in process.stderr),
                    f"after {place_name} it does not serve")
        finally:
            process.kill()


@test
def test_bad_place_is_refused_in_one_line(place):
    """No such name, no such count; the good ones are listed by --help."""
    with place.cluster(managers=1, rf=1) as cluster:
        kill(cluster, "s0.0")
        for given in ("commit.sideways", "commit.after:0", "commit.after:x", ":1", ""):
            os.environ["MADKV_CRASH_AT"] = given
            try:
                done = run("madkv-server", flags_of(cluster, "s0.0"))
            finally:
                del os.environ["MADKV_CRASH_AT"]
            done.refused(EXIT_USAGE, f"'{given}'", "--help")
        cluster.restart("s0.0")
        cluster.wait_healthy()
