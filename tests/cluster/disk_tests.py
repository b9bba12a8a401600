"""Disks that fail, fill up, and forget when the power goes: the shim of tests/shim in every node.

kill -9 alone proves nothing about a power loss: the page cache outlives the process. Here whatever
was not synced is taken back before the node is started again.
"""

import contextlib
import os
import random
import shutil
import subprocess
import time

from checkpoint_tests import SERVERS, volume
from disks import Disks
from harness import EXIT_STORAGE, Skip
from harness import figure, followers, kill, require, say, test, wait_level, wait_until
from load import Load
from refusal_tests import mounted

CALLS = 600
SMALL_DISK, LARGE_DISK = "size=48m,mode=700", "size=512m"


@contextlib.contextmanager
def on_bad_disks(place, **options):
    """(cluster, its disks, load): judged at the end, with everything that was written read back."""
    disks = Disks(place.path("disks"))
    if disks.shim is None:
        raise Skip("this build has no shim")
    with place.cluster(disks=disks, **options) as cluster:
        with Load(cluster, place.path("history"), clients=6, fresh=0.3) as load:
            load.wait(CALLS)
            began_ns = time.monotonic_ns()
            yield cluster, disks, load
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        load.require_after(began_ns, CALLS)
        for group in cluster.topology.groups:
            wait_level(cluster, group)


def end_of_bad_disk(cluster, disks, victim, already_said):
    """Waits until a node has ended for its disk, and requires that it said so in one line, its last."""
    wait_until(f"ended ({victim})", lambda: not cluster.is_running(victim))
    status, said = cluster.exit_status(victim), cluster.log(victim).splitlines()[already_said:]
    cluster.kill(victim)   # it has ended already, and that was expected
    require(status == EXIT_STORAGE, f"{victim} ended with {status} and said {said}")
    told = [line for line in said if "Input/output error" in line]
    require(told == said[-1:] and cluster.data_path(victim) in told[0], f"{victim} said {said}")
    require(disks.strikes(victim), f"nothing struck {victim}")


def start_again(cluster, disks, victim):
    """The power of a dead node goes too; its disk is well again, and it comes back."""
    lost, _ = disks.lose_power(victim)
    require(lost > 0, f"nothing was lost with the power of {victim}")
    disks.tell(victim)
    cluster.restart(victim)
    cluster.wait_healthy()


@test
def test_failed_sync_ends_the_process_and_the_next_one_is_safe(place):
    """Of data pages and of the meta page; at leaders and followers; then the power goes too."""
    with on_bad_disks(place) as (cluster, disks, load):
        for rule in ("fdatasync fail=EIO skip=3 file=/data.mdb", "dsync fail=EIO skip=3"):
            for victim in (cluster.leader("s0"), followers(cluster, "s0")[0]):
                already_said = len(cluster.log(victim).splitlines())
                disks.tell(victim, rule)
                end_of_bad_disk(cluster, disks, victim, already_said)
                load.wait(100)
                start_again(cluster, disks, victim)


@test
def test_manager_whose_promise_cannot_be_synced_ends_and_comes_back(place):
    """Managers write when one of them campaigns: the leader dies, and a promise is due."""
    with on_bad_disks(place) as (cluster, disks, load):
        leader, victim = cluster.leader("m"), followers(cluster, "m")[0]
        already_said = len(cluster.log(victim).splitlines())
        disks.tell(victim, "fdatasync fail=EIO")
        kill(cluster, leader)
        end_of_bad_disk(cluster, disks, victim, already_said)
        cluster.restart(leader)
        load.wait(100)
        start_again(cluster, disks, victim)


@test
def test_start_on_a_disk_that_cannot_sync_is_refused(place):
    """The first commit of a life fails: nothing was served, and the directory is as it was."""
    with on_bad_disks(place) as (cluster, disks, _):
        for victim in (followers(cluster, "s0")[0], followers(cluster, "m")[0]):
            kill(cluster, victim)
            already_said = len(cluster.log(victim).splitlines())
            disks.tell(victim, "sync fail=EIO")
            cluster.restart(victim)
            end_of_bad_disk(cluster, disks, victim, already_said)
            disks.lose_power(victim)
            disks.tell(victim)
            cluster.restart(victim)
            cluster.wait_healthy()


def lose_power(cluster, disks, names, torn=None):
    """Kills nodes and takes back what they had not synced; returns how many bytes that were."""
    kill(cluster, *names)
    return sum(disks.lose_power(name, torn)[0] for name in names)


@test
def test_power_loss_of_one_replica_loses_no_answered_write(place):
    """A leader, a follower, a manager, in turns; every second time some sectors did get written."""
    with on_bad_disks(place) as (cluster, disks, load):
        torn, lost = random.Random(1), 0
        for turn in range(8):
            victim = (cluster.leader("s0") if turn % 4 in (0, 1) else
                      followers(cluster, "s0")[0] if turn % 4 == 2 else cluster.leader("m"))
            lost += lose_power(cluster, disks, [victim], torn if turn % 2 else None)
            load.wait(50)
            cluster.restart(victim)
            cluster.wait_healthy()
            load.wait(50)
        require(lost > 0, "no power loss took anything")
        say(f"{lost} bytes were lost")


@test
def test_power_loss_of_everything_loses_no_answered_write(place):
    """What one machine room knows. Managers and servers at once, at any moment of their commits."""
    with on_bad_disks(place, partitions=2) as (cluster, disks, load):
        torn, lost = random.Random(2), 0
        for turn in range(6):
            cluster.kill_all()
            for name in cluster.names:
                lost += disks.lose_power(name, torn if turn % 2 else None)[0]
                cluster.restart(name)
            cluster.wait_healthy()
            load.wait(100)
        require(lost > 0, "no power loss took anything")
        say(f"{lost} bytes were lost")


@test
def test_full_disk_of_the_leader_is_waited_out(place):
    """Writes find no room in the middle of a commit; whoever leads then, it goes on by itself."""
    with on_bad_disks(place) as (cluster, disks, load):
        victim = cluster.leader("s0")
        disks.tell(victim, "write fail=ENOSPC")
        wait_until("struck", lambda: disks.strikes(victim))
        wait_until("told", lambda: "no room left on the disk" in cluster.log(victim))
        require(cluster.is_running(victim), f"{victim} ended")
        disks.tell(victim)
        wait_until("told", lambda: "there is room on the disk again" in cluster.log(victim))
        load.wait(CALLS)


@contextlib.contextmanager
def on_small_disks(cluster, names):
    """Moves the directories of nodes to small file systems of their own while they are down."""
    with contextlib.ExitStack() as mounts:
        kill(cluster, *names)
        for name in names:
            path = cluster.data_path(name)
            os.rename(path, path + ".before")
            mounts.enter_context(mounted(path, SMALL_DISK))
            shutil.copytree(path + ".before", path, dirs_exist_ok=True)
            cluster.restart(name)
        try:
            cluster.wait_healthy()
            yield
        finally:
            kill(cluster, *(name for name in names if cluster.is_running(name)))


def require_no_room(client):
    """A call that does not wait for ever is told why it was not taken, and that it was not."""
    answer = wait_until("refused", lambda: [
        line for line in client.call("PUT impatient x") if line.startswith("ERROR")])
    require(answer[0].startswith("ERROR timeout: no room on the disk: not applied"),
            f"a write without room was answered {answer}")


@test
def test_small_disks_fill_up_and_are_freed(place):
    """All servers at once: nothing is written then, reads go on, and so does all once there is room."""
    with place.cluster(managers=1) as cluster:
        with on_small_disks(cluster, SERVERS):
            client = cluster.client()
            require(client.call("PUT marker before") == ["PUT marker not_found"], "a wrong answer")
            with Load(cluster, place.path("history"), clients=3, fresh=0.5) as load:
                load.wait(100)
                with volume(cluster):
                    wait_until("full", lambda: any(
                        "room is left on the disk" in cluster.log(name) for name in SERVERS))
                    wait_until("told", lambda: "no room left on its disks" in
                               cluster.log("load-k.0"))
                    full_ns = time.monotonic_ns()
                    require_no_room(cluster.client(args=["--timeout", "3"]))
                    require(client.call("GET marker") == ["GET marker before"], "a read went wrong")
                    require(all(cluster.is_running(name) for name in SERVERS), "somebody ended")
                for name in SERVERS:
                    subprocess.run(["mount", "-o", "remount," + LARGE_DISK, cluster.data_path(name)],
                                   check=True)
                load.wait(CALLS)
            load.read_back()
            load.judge()
            load.require_after(full_ns, CALLS)
            require(any("there is room on the disk again" in cluster.log(name) for name in SERVERS),
                    "nobody says that there is room again")


@test
def test_stalled_disk_of_a_follower_holds_nobody_up(place):
    """Not one of its syncs ends for a while; the others go on, and it catches up when they do."""
    with on_bad_disks(place) as (cluster, disks, load):
        victim = followers(cluster, "s0")[0]
        disks.tell(victim, "sync delay=3600000")
        wait_until("stalled", lambda: disks.strikes(victim))
        stalled_ns = time.monotonic_ns()
        load.wait(2 * CALLS)
        gap_s = load.longest_gap_s(stalled_ns)
        disks.tell(victim)
        require(gap_s < 3.0, f"a client went {gap_s:.1f} s without an answer")
        require(cluster.is_running(victim), f"{victim} ended")


@test
def test_stalled_disk_of_the_leader_moves_the_leadership(place):
    """Within three election timeouts; its log and STATUS say why, and it catches up when it can."""
    with on_bad_disks(place, managers=1) as (cluster, disks, load):
        victim = cluster.leader("s0")
        disks.tell(victim, "sync delay=3600000")
        wait_until("stalled", lambda: disks.strikes(victim))
        stalled_ns = time.monotonic_ns()
        cluster.leader("s0", other_than=victim)
        load.wait(CALLS)
        gap_s = load.longest_gap_s(stalled_ns)
        require("its disk stalls" in cluster.log(victim), f"{victim} did not say why")
        require("its disk stalls" in figure(cluster, victim, "proposer.last_loss"),
                f"STATUS of {victim} does not say why")
        disks.tell(victim)
        say(f"longest time without an answer: {gap_s:.2f} s")
        require(gap_s < 6.0, f"a client went {gap_s:.1f} s without an answer")


@test
def test_slow_disks_everywhere_are_lived_with(place):
    """Every sync of every server takes 100 ms longer."""
    with on_bad_disks(place) as (cluster, disks, load):
        for name in SERVERS:
            disks.tell(name, "sync delay=100")
        began_ns = time.monotonic_ns()
        load.wait(100)
        gap_s = load.longest_gap_s(began_ns)
        for name in SERVERS:
            require(disks.strikes(name), f"nothing struck {name}")
            disks.tell(name)
        say(f"longest time without an answer: {gap_s:.2f} s")
