"""madkv-inspect, and what servers and managers say of a directory that is damaged or not to be written.

The others of the group go on meanwhile; given its directory back, the victim is welcome.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess

from directory_tests import come_back, flags_of, run_node
from harness import EXIT_IDENTITY, EXIT_OK, EXIT_STORAGE, EXIT_USAGE, SANITIZER_ENV
from harness import figure, followers, kill, local, replicas, require, run, say, test, wait_level, wait_until
from load import Load

CALLS = 300
FLIPS = 20
NOBODY = "65534"


def inspect(directory, status=EXIT_OK):
    """What madkv-inspect --json says of a directory."""
    done = run("madkv-inspect", ["--json", directory])
    require(done.status == status and done.stderr == "",
            f"madkv-inspect ended with {done.status}: {done.stderr!r} {done.stdout!r}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def with_victims(place):
    """(cluster, a server and a manager that are dead), under load that is judged."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            load.wait(CALLS)
            victims = [followers(cluster, "s0")[0], followers(cluster, "m")[0]]
            kill(cluster, *victims)
            yield cluster, victims
            for name in victims:
                if not cluster.is_running(name):
                    cluster.restart(name)
            cluster.wait_healthy()
            load.wait(CALLS)
        load.read_back()
        load.judge()
        wait_level(cluster, "s0")
        wait_level(cluster, "m")


@test
def test_inspect_tells_what_status_told(place):
    """Whose directory, what was promised, how far the log goes; and it changes no byte."""
    with place.cluster() as cluster:
        client = cluster.client()
        for number in range(50):
            client.call(f"PUT k{number} v")
        status = cluster.wait_healthy()
        leader = cluster.leader("s0")
        run("madkv-inspect", [cluster.data_path(leader)]).refused(
            EXIT_IDENTITY, cluster.data_path(leader), "in use", str(cluster.pid(leader)))
        round_now = next(group["leader_round"] for group in status["groups"]
                         if group["group"] == "s0")
        for name in cluster.names:
            kill(cluster, name)
        for name in cluster.names:
            before = tree_of(cluster.data_path(name))
            found = inspect(cluster.data_path(name))
            require(found["node"] == name and found["birth_generation"] == 1 and found["may_vote"],
                    f"of {name} it said {found}")
            require(found["start"] >= 1 and found["log_records"] > 0, f"of {name} it said {found}")
            require(tree_of(cluster.data_path(name)) == before, f"it changed {name}'s directory")
        found = inspect(cluster.data_path(leader))
        require(found["promised_round"] >= round_now, f"promised {found['promised_round']}")
        require(found["chosen_slot"] <= found["log_last_slot"], f"it said {found}")
        text = run("madkv-inspect", [cluster.data_path(leader)])
        require(text.status == EXIT_OK and "all is well" in text.stdout, f"it said {text.stdout}")
        come_back(cluster, *cluster.names)


def tree_of(directory):
    """Every file's path, content and times of change."""
    found = []
    for path, _, names in sorted(os.walk(directory)):
        for name in sorted(names):
            whole = os.path.join(path, name)
            with open(whole, "rb") as file:
                found.append((whole, file.read(), os.stat(whole).st_mtime_ns))
    return found


@test
def test_inspect_refuses_what_it_cannot_look_at(place):
    """No directory, no argument, another program's files."""
    other = place.path("other")
    os.mkdir(other)
    run("madkv-inspect", [other]).refused(EXIT_IDENTITY, other, "not a directory of MadKV")
    run("madkv-inspect", [place.path("none")]).refused(EXIT_IDENTITY, place.path("none"))
    run("madkv-inspect", []).refused(EXIT_USAGE, "BACKER_PATH")
    with open(os.path.join(other, "data.mdb"), "wb") as file:
        file.write(b"not a database" * 1000)
    require(inspect(other, EXIT_STORAGE)["damage_count"] == 1, "it took that for a database")


def cut_files(cluster, place, name, part):
    """(bytes left, path) of a file of a dead node, each time cut to as many, and found damaged."""
    path = os.path.join(cluster.data_path(name), part)
    size = os.path.getsize(path)
    shutil.copyfile(path, place.path("whole"))
    for cut in (100, 4096, 8192, size // 2 // 4096 * 4096, size // 2 + 77):
        if cut >= os.path.getsize(path):
            continue
        os.truncate(path, cut)
        require(inspect(cluster.data_path(name), EXIT_STORAGE)["damage_count"] > 0,
                f"{part} of {cut} bytes was called well")
        yield cut, path


@test
def test_truncated_files_are_told_by_start_and_inspect(place):
    """Servers and managers; the log's file and the state's; cut at several places. Without its log nobody
    starts; the state is taken from the log and the others."""
    with with_victims(place) as (cluster, victims):
        for name in victims:
            for cut, path in cut_files(cluster, place, name, "data.mdb"):
                done = run_node(cluster, name, flags_of(cluster, name))
                done.refused(EXIT_STORAGE, cluster.data_path(name), "data.mdb")
                shutil.copyfile(place.path("whole"), path)
            for cut, _ in cut_files(cluster, place, name, os.path.join("state", "data.mdb")):
                cluster.restart(name)
                wait_level(cluster, "m" if name[0] == "m" else "s0")
                require("is set aside" in cluster.log(name), f"{name} said nothing of {cut} bytes")
                kill(cluster, name)


def some_byte(path, rng):
    """Where a byte that means something is: of a meta page, or not zero."""
    if rng.random() < 0.4:
        return rng.choice((0, 4096)) + rng.randrange(152)
    with open(path, "rb") as file:
        content = file.read()
    return rng.choice([at for at, byte in enumerate(content) if byte])


def flip(path, at, bit):
    """Flips one bit of a file."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


def try_to_live(cluster, name):
    """Starts a node on a damaged directory: it serves, or ends with one line. Returns which."""
    already_said = len(cluster.log(name).splitlines())
    cluster.restart(name)

    def settled():
        if not cluster.is_running(name):
            return "refused"
        status = cluster.status()
        follows = status is not None and any(
            replica["node"] == name and replica["up"] and replica["role"] == "follower"
            for replica in replicas(status, name.split(".")[0]))
        return "served" if follows else None
    outcome = wait_until(f"settled ({name})", settled)
    if outcome == "refused":
        said = cluster.log(name).splitlines()[already_said:]
        status = cluster.exit_status(name)
        cluster.kill(name)
        require(status in (EXIT_IDENTITY, EXIT_STORAGE), f"{name} ended with {status}: {said}")
        require(len(said) == 1 or "elected" in said[0], f"{name} said {said}")
    else:
        kill(cluster, name)
    return outcome


@test
def test_flipped_bits_end_in_service_or_in_one_line(place):
    """One bit at a time, in the file of a server's and a manager's log."""
    rng, outcomes = random.Random(5), []
    with with_victims(place) as (cluster, victims):
        for name in victims:
            directory = cluster.data_path(name)
            shutil.copytree(directory, place.path("kept"))
            path = os.path.join(directory, "data.mdb")
            for _ in range(FLIPS // 2):
                flip(path, some_byte(path, rng), rng.randrange(8))
                inspected = run("madkv-inspect", [directory]).status
                require(inspected in (EXIT_OK, EXIT_IDENTITY, EXIT_STORAGE), f"{inspected}")
                outcomes.append(try_to_live(cluster, name))
                shutil.rmtree(directory)
                shutil.copytree(place.path("kept"), directory)
            shutil.rmtree(place.path("kept"))
    require(set(outcomes) == {"served", "refused"}, f"nothing but {outcomes}")
    say(f"{outcomes.count('served')} of {len(outcomes)} starts served, the others were refused")


@test
def test_directory_without_write_permission_is_told(place):
    """By a server and a manager, which change nothing; madkv-inspect only needs to read."""
    with with_victims(place) as (cluster, victims):
        os.chmod(place.directory, 0o755)
        os.chmod(cluster.directory, 0o755)
        os.chmod(os.path.join(cluster.directory, "data"), 0o755)
        as_nobody = ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]
        for name in victims:
            directory = cluster.data_path(name)
            for path, folders, names in os.walk(directory):
                for entry in [path, *(os.path.join(path, name) for name in folders + names)]:
                    os.chmod(entry, 0o555 if os.path.isdir(entry) else 0o444)
            for program, flags, status in (
                    (cluster.topology.program(name), flags_of(cluster, name), EXIT_STORAGE),
                    ("madkv-inspect", [directory], EXIT_OK)):
                command = [local.program_path(program), *flags]
                done = subprocess.run((as_nobody if os.geteuid() == 0 else []) + command, check=False,
                                      stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      timeout=30, env={**os.environ, **SANITIZER_ENV})
                require(done.returncode == status, f"{program}: {done.returncode}: {done.stderr!r}")
                require(status == EXIT_OK or (done.stderr.count("\n") == 1
                                              and directory in done.stderr
                                              and "ermission denied" in done.stderr),
                        f"{program} said {done.stderr!r}")
            for path, folders, names in os.walk(directory):
                for entry in [path, *(os.path.join(path, name) for name in folders + names)]:
                    os.chmod(entry, 0o700 if os.path.isdir(entry) else 0o600)


def flip_value(path, value):
    """Flips a bit of each place where the bytes of `value` stand; returns how many."""
    with open(path, "rb") as file:
        content = file.read()
    at, count = -1, 0
    while (at := content.find(value, at + 1)) >= 0:
        flip(path, at, 0)
        count += 1
    return count


@test
def test_damaged_record_is_told_by_slot_and_repaired_from_peers(place):
    """A bit of a value flips in the log of a follower; it takes the slot from the others."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            load.wait(CALLS)
            require(cluster.client().call("PUT marker before-it-was-damaged") ==
                    ["PUT marker not_found"], "a wrong answer")
            load.wait(CALLS)
            victim = followers(cluster, "s0")[0]
            wait_until("level", lambda: figure(cluster, victim, "acceptor.chosen_slot") > CALLS // 2)
            load.wait(CALLS)
            kill(cluster, victim)
            directory = cluster.data_path(victim)
            flipped = flip_value(os.path.join(directory, "data.mdb"), b"before-it-was-damaged")
            require(flipped > 0, "the value is not in the log")
            found = inspect(directory, EXIT_STORAGE)
            require(len(found["damage"]) == 1 and found["damage"][0]["slot"] is not None,
                    f"it found {found['damage']}")
            slot = found["damage"][0]["slot"]
            cluster.restart(victim)
            cluster.wait_healthy()
            wait_level(cluster, "s0")
            load.wait(CALLS)
            kill(cluster, victim)
            found = inspect(directory)
            require(found["log_learned"] > 0, f"slot {slot} was not learned: {found}")
            cluster.restart(victim)
            cluster.wait_healthy()
            require(cluster.client().call("GET marker") == ["GET marker before-it-was-damaged"],
                    "the value is gone")
        load.read_back()
        load.judge()
        wait_level(cluster, "s0")
        say(f"slot {slot} was damaged, found, and taken from the others")


@test
def test_file_cut_short_under_a_running_process_ends_it_with_one_line(place):
    """A page that LMDB has mapped is gone; the replica comes back on an empty directory."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history"), clients=4, fresh=0.3) as load:
            load.wait(CALLS)
            victim = followers(cluster, "s0")[0]
            directory = cluster.data_path(victim)
            already_said = len(cluster.log(victim).splitlines())
            os.truncate(os.path.join(directory, "data.mdb"), 8192)
            wait_until("ended", lambda: not cluster.is_running(victim))
            status, said = cluster.exit_status(victim), cluster.log(victim).splitlines()[already_said:]
            cluster.kill(victim)
            require(status == EXIT_STORAGE, f"{victim} ended with {status} and said {said}")
            require(len(said) == 1 and directory in said[0] and "cannot be read" in said[0],
                    f"{victim} said {said}")
            run_node(cluster, victim, flags_of(cluster, victim)).refused(EXIT_STORAGE, "cut short")
            shutil.rmtree(directory)
            come_back(cluster, victim)
            load.wait(CALLS)
        load.read_back()
        load.judge()
        wait_level(cluster, "s0")
