"""Checkpoints and the log that is cut behind them: disk use stays bounded, a restart replays only the
tail, and no answered write is lost, whenever the processes die.

madkv-bench makes the volume, a Load the history that is judged.
"""

import contextlib
import os
import subprocess
import time

from harness import SANITIZER_ENV
from harness import figure, kill, local, replicas, require, say, test, wait_level, wait_until
from load import Load

SERVERS = ("s0.0", "s0.1", "s0.2")
VALUE_BYTES = 4000
RECORDS = 20000           # of the volume: about 80 MB of live data
VOLUME_BYTES = 600e6      # through the log of each replica
VOLUME_LIMIT_S = 200.0     # on a slow machine
FILE_BYTES_MAX = 300e6    # of that log, its tail and what fragments around it
ROUNDS = 3                # of killing in the middle of a checkpoint
# What README.md says of a replica's disk: so many times its live data, reckoned with so many bytes a record
# beside key and value; the tail of its log; so many times --checkpoint_mb; and so much more.
LIVE_TIMES, RECORD_BYTES, CHECKPOINT_TIMES, MORE_BYTES = 4, 64, 4, 16e6
SMALL_MB = 4              # checkpoints and tail, so that little must be written


@contextlib.contextmanager
def volume(cluster, value_bytes=VALUE_BYTES, records=RECORDS):
    """Overwrites records as fast as it goes until the block ends."""
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path("madkv-bench"),
               "--manager_addrs", cluster.manager_addrs, "--workload", "w", "--clients", "16",
               "--pipeline", "16", "--value_size", str(value_bytes), "--records", str(records),
               "--seconds", "600", "--json"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env={**os.environ, **SANITIZER_ENV}) as bench:
        try:
            yield bench
        finally:
            bench.kill()


def figures(cluster, names=SERVERS):
    """All figures of each of these nodes, by name, from one STATUS that all of them are in."""
    def find(status):
        found = {replica["node"]: replica["figures"] for replica in replicas(status, "s0")
                 if replica["up"] and "applier.applied_slot" in replica["figures"]}
        return found if set(names) <= set(found) else None
    return cluster.wait_for("told the figures", find)


def each(found, figure_name):
    """One of them, by node."""
    return {name: held.get(figure_name, 0) for name, held in found.items()}


def require_same_state(cluster):
    """The replicas hold the same: as many pairs, of as many bytes."""
    wait_level(cluster, "s0")
    found = figures(cluster)
    for name in ("kv.records", "kv.bytes"):
        require(len(set(each(found, name).values())) == 1, f"{name}: {each(found, name)}")
    return found[SERVERS[0]]["kv.bytes"]


def require_tail_only(before, after):
    """Each replica began this life from a checkpoint at least as new as it had one `before`."""
    for name in SERVERS:
        began = after[name]["applier.applied_slot"] - after[name]["applier.applied_slots"]
        saved = before[name]["applier.saved_slot"]
        require(after[name]["applier.restores"] == 1, f"{name} restored nothing")
        require(began >= saved, f"{name} began with slot {began}, though {saved} was saved")
        require(after[name]["acceptor.cut_slot"] >= before[name]["acceptor.cut_slot"],
                f"what {name} had cut is back")


@test
def test_log_is_cut_behind_checkpoints_and_a_restart_replays_its_tail(place):
    """Several hundred megabytes through logs that stay small; then everything dies at once."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                peak = 0
                began = time.monotonic()

                def written():
                    nonlocal peak
                    found = figures(cluster)
                    peak = max(peak, *each(found, "log.file_bytes").values())
                    return min(each(found, "log.bytes_written").values()) > VOLUME_BYTES
                wait_until("that much written", written, VOLUME_LIMIT_S)
                took_s = time.monotonic() - began
            load.wait(50)
            before = figures(cluster)
            cuts, checkpoints = each(before, "acceptor.cut_slot"), each(before, "applier.checkpoints")
            require(min(cuts.values()) > 0, f"cut: {cuts}")
            require(min(checkpoints.values()) >= 3, f"checkpoints: {checkpoints}")
            require(peak < FILE_BYTES_MAX, f"a log took {peak / 1e6:.0f} MB")
            killed_ns = kill(cluster, *SERVERS)
            for name in SERVERS:
                cluster.restart(name)
            cluster.wait_healthy()
            require_tail_only(before, figures(cluster))
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(killed_ns, 100)
        held = require_same_state(cluster)
        say(f"{VOLUME_BYTES / 1e6:.0f} MB in {took_s:.0f} s, {min(checkpoints.values())} "
            f"checkpoints of {held / 1e6:.0f} MB, no log above {peak / 1e6:.0f} MB")


def disk_bytes(cluster, name):
    """What the files of a replica take just now."""
    found = 0
    for path, _, entries in os.walk(cluster.data_path(name)):
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found += os.stat(os.path.join(path, entry)).st_blocks * 512
    return found


def disk_share(cluster, found, name):
    """How much of what a replica may take on the disk it takes."""
    live = found[name]["kv.bytes"] + RECORD_BYTES * found[name]["kv.records"]
    bound = LIVE_TIMES * live + (1 + CHECKPOINT_TIMES) * SMALL_MB * 2**20 + MORE_BYTES
    return disk_bytes(cluster, name) / bound


@test
def test_directory_takes_no_more_than_is_said_however_much_is_written(place):
    """Small records and larger ones, each written again and again at random."""
    flags = ["--checkpoint_mb", str(SMALL_MB), "--log_tail_mb", str(SMALL_MB)]
    for value_bytes, records, written_bytes in ((100, 100000, 60e6), (1000, 30000, 200e6)):
        with place.cluster(managers=1, server_args=flags) as cluster:
            worst, least = 0.0, 0
            with volume(cluster, value_bytes, records):
                def written():
                    nonlocal worst, least
                    found = figures(cluster)
                    worst = max(worst, *(disk_share(cluster, found, name) for name in SERVERS))
                    least = min(each(found, "applier.checkpoints").values())
                    return min(each(found, "log.bytes_written").values()) > written_bytes
                wait_until("that much written", written, VOLUME_LIMIT_S)
            require(least >= 3, f"{least} checkpoints")
            require(worst < 1, f"a replica took {worst:.2f} times what it may")
            say(f"values of {value_bytes} bytes: at most {100 * worst:.0f} % of what a replica may take, "
                f"over {least} checkpoints")


def wait_for_checkpoint(cluster, name):
    """Until the file of its state changes: then a checkpoint is on its way to the disk."""
    path = os.path.join(cluster.data_path(name), "state", "data.mdb")
    before = os.stat(path).st_mtime_ns
    deadline = time.monotonic() + 60.0
    while os.stat(path).st_mtime_ns == before:
        require(time.monotonic() < deadline, f"{name} made no checkpoint")
        time.sleep(0.001)


@test
def test_kill_in_the_middle_of_a_checkpoint_loses_nothing(place):
    """All servers die the moment one of them begins to write its state down; again and again."""
    with place.cluster(managers=1) as cluster:
        with Load(cluster, place.path("history"), clients=2, fresh=0.3) as load:
            with volume(cluster):
                first_ns = None
                for turn in range(ROUNDS):
                    wait_for_checkpoint(cluster, SERVERS[turn % len(SERVERS)])
                    killed_ns = kill(cluster, *SERVERS)
                    first_ns = first_ns or killed_ns
                    for name in SERVERS:
                        cluster.restart(name)
                    cluster.wait_healthy()
                    load.wait(30)
            load.wait(100)
        load.read_back()
        load.judge()
        load.require_after(first_ns, 100)
        require_same_state(cluster)
        restored = each(figures(cluster), "applier.restores")
        require(max(restored.values()) == 1, "nobody began from a checkpoint")


@test
def test_state_that_is_older_than_its_log_is_refused(place):
    """A directory put together from two times: the log is cut, and what it led to is gone."""
    with place.cluster(managers=1, rf=1) as cluster:
        with volume(cluster):
            wait_until("the log cut", lambda: figure(cluster, "s0.0", "acceptor.cut_slot") > 0)
        kill(cluster, "s0.0")
        state = os.path.join(cluster.data_path("s0.0"), "state")
        os.rename(state, state + ".away")
        cluster.restart("s0.0")
        wait_until("refused", lambda: not cluster.is_running("s0.0"))
        status, said = cluster.exit_status("s0.0"), cluster.log("s0.0").splitlines()[-1]
        for name in os.listdir(state):
            os.remove(os.path.join(state, name))
        os.rmdir(state)
        os.rename(state + ".away", state)
        cluster.restart("s0.0")
        cluster.wait_healthy()
        require(status == 6, f"it ended with {status}")
        require("the state is older than the log" in said, f"it said {said!r}")
