"""The course's three projects by their recipes: what its scripts, fuzzer and bencher do at the pipe.

Everything here goes through `just`, from the root of the tree, as those programs do.
"""

import json
import os
import random
import re
import signal
import subprocess
import threading
import time

import recipes
from course_logs import bench_results, fuzz_verdict
from harness import EXIT_FAILED, EXIT_IDENTITY, EXIT_OK, EXIT_USAGE, Failure, Skip
from harness import local, require, say, test, wait_until
from load import MIX
from recipes import EXAMPLE, Pipe, Recipes

CALL_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0
GONE_LIMIT_S = 10.0
RUN_LIMIT_S = 300.0
CALLS_EACH = 50
BENCH_CALLS = "200"       # of each client: a parameter behind the others
NOBODY = "127.0.0.1:1"


def addresses(count):
    """So many free ones on loopback, as a list."""
    return [f"{local.HOST}:{port}" for port in local.free_ports(count)]


def port_of(address):
    """The port of an address."""
    return address.rpartition(":")[2]


# -- the pipe

def drive(pipe, number, errors):
    """What a driver does with one client: calls one at a time, then STOP."""
    source = random.Random(number)
    try:
        for count in range(CALLS_EACH):
            op = source.choices(list(MIX), list(MIX.values()))[0]
            key = f"pipe{source.randrange(5)}"
            words = {"PUT": [f"v{number}.{count}"], "SWAP": [f"v{number}.{count}"],
                     "SCAN": [key + "~"]}.get(op, [])
            lines = pipe.call(" ".join([op, key, *words]), CALL_LIMIT_S)
            require(lines[0].startswith(f"{op} {key} "), f"{op} {key} was answered {lines}")
        pipe.stop(STOP_LIMIT_S)
    except (Failure, OSError) as error:
        errors.append(error)


def replay(mark, clients, recipe, *words):
    """So many clients at once, each driven by a thread; SIGKILL to every `just` afterwards."""
    errors = []
    pipes = [Pipe(mark, recipe, *words) for _ in range(clients)]
    threads = [threading.Thread(target=drive, args=(pipe, number, errors))
               for number, pipe in enumerate(pipes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pipe in pipes:
        pipe.kill()
    require(not errors, f"{errors}")
    require_gone(mark)


def require_gone(mark):
    """Nothing that carries the mark runs on."""
    try:
        wait_until("all gone", lambda: not recipes.marked(mark), GONE_LIMIT_S)
    finally:
        for pid in recipes.marked(mark):
            say(f"left running: {describe(pid)}")
            os.kill(pid, signal.SIGKILL)


def describe(pid):
    """Its command line."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return str(pid)


@test
def test_drivers_run_five_and_ten_clients_through_just(place):
    """Of the replicated service; after SIGKILL to each `just` nothing is left."""
    with place.cluster(managers=3, partitions=2, rf=3) as cluster:
        for clients in (5, 10):
            replay(f"{os.path.basename(place.directory)}-{clients}", clients, "p3::client",
                   cluster.manager_addrs)


@test
def test_clients_of_killed_drivers_end(place):
    """SIGKILL to `just` before a call, in the middle of one that nobody answers, and at once."""
    mark = os.path.basename(place.directory)
    for recipe, calls in (("p1::client", []), ("p1::client", ["GET k"]), ("p2::client", ["GET k"]),
                          ("p3::client", ["PUT k v"]), ("p3::client", ["SCAN a z"])):
        pipe = Pipe(mark, recipe, NOBODY)
        for call in calls:
            pipe.write(call)
            wait_until("at a client", lambda: any("madkv-client" in describe(pid)
                                                  for pid in recipes.marked(mark)), CALL_LIMIT_S)
        pipe.kill()
        require_gone(mark)


@test
def test_stop_is_answered_within_ten_seconds_by_ten_clients_of_nobody(place):
    """All started at once, nobody listens, no call was made."""
    mark = os.path.basename(place.directory)
    pipes = [Pipe(mark, "p3::client", NOBODY) for _ in range(10)]
    began = time.monotonic()
    for pipe in pipes:
        pipe.write("STOP")
    for pipe in pipes:
        left_s = began + STOP_LIMIT_S - time.monotonic()
        require(pipe.read_line(max(left_s, 0)) == "STOP", "STOP was not answered STOP")
    for pipe in pipes:
        pipe.kill()
    require_gone(mark)


# -- the projects by their recipes

@test
def test_project_1_by_its_recipes(place):
    """Server, client, testcases, fuzzer and its log; SIGTERM ends it well."""
    with Recipes(place) as service:
        address, = addresses(1)
        server = service.start("p1::server", address)
        service.listening(server)
        done = recipes.run("p1::client", address, stdin="PUT k v\nGET k\nSTOP\n")
        require(done.stdout == "PUT k not_found\nGET k v\nSTOP\n", f"answered {done.stdout!r}")
        for number in ("1", "2", "3", "4", "5"):
            done = recipes.run("p1::test" + number, address, timeout_s=RUN_LIMIT_S)
            require(done.status == EXIT_OK and done.stdout.endswith(f"Testcase {number}: PASSED\n"),
                    f"test{number} ended with {done.status}: {done.stdout[-1000:]}")
        done = recipes.run("p1::testcase", "1", address, timeout_s=RUN_LIMIT_S)
        with open("/tmp/madkv-p1/tests/test1.log", encoding="utf-8") as log:
            require(log.read() == done.stdout, "the log is not what was said")
        replay(service.mark + "-clients", 5, "p1::client", address)
        for conflict in ("no", "yes"):
            done = recipes.run("p1::fuzz", "2", conflict, address, timeout_s=RUN_LIMIT_S)
            check_fuzz(done, f"/tmp/madkv-p1/fuzz/fuzz-2-{conflict}.log")
        done = recipes.run("p1::bench", "2", "b", address, BENCH_CALLS, timeout_s=RUN_LIMIT_S)
        check_bench(done, "/tmp/madkv-p1/bench/bench-2-b.log")
        service.end(server)
        require(not service.left(), f"left running: {service.left()}")


def check_bench(done, path):
    """A parser finds both phases in its output and in its log."""
    require(done.status == EXIT_OK, f"{done.command} ended with {done.status}: {done.stdout}")
    results = bench_results(done.stdout)
    require(results["Load"]["INSERT"]["ops"] == 1000 and results["Run"]["READ"]["ops"] > 0,
            f"{results}")
    with open(path, encoding="utf-8") as log:
        require(bench_results(log.read()) == results, f"{path} says otherwise")


def check_fuzz(done, path):
    """It passed, by its status, its output and its log."""
    require(done.status == EXIT_OK, f"{done.command} ended with {done.status}: {done.stdout}")
    require(fuzz_verdict(done.stdout) == "PASSED", done.stdout)
    with open(path, encoding="utf-8") as log:
        require(fuzz_verdict(log.read()) == "PASSED", f"{path} says otherwise")


@test
def test_testcases_fail_without_a_server(place):
    """And say what is missing."""
    del place
    done = recipes.run("p1::testcase", "1", NOBODY)
    require(done.status == EXIT_FAILED and "nobody answers at 127.0.0.1:1" in done.stdout
            and "FAILED" in done.stdout.splitlines()[-1], f"{done.status}: {done.stdout}")


@test
def test_project_2_by_its_recipes(place):
    """Manager and servers by both kinds of recipes; kill -9 of each; the data outlive them."""
    manager, *servers = addresses(4)
    listed = ",".join(servers)
    prefix = place.path("backer")
    with Recipes(place) as service:
        nodes = {"m": service.start("p2::manager", port_of(manager), listed)}
        for number, address in enumerate(servers[:2]):
            nodes[f"s{number}"] = service.start("p2::server", str(number), manager,
                                                port_of(address), f"{prefix}.s{number}")
        nodes["s2"] = service.start("p2::service", "s2", manager, listed, prefix)
        service.listening(*nodes.values())
        puts = "".join(f"PUT key{number} v{number}\n" for number in range(30))
        done = recipes.run("p2::client", manager, stdin=puts + "STOP\n")
        require(done.stdout.count("not_found") == 30, f"answered {done.stdout!r}")
        for name in nodes:
            service.end(nodes[name], signal.SIGKILL)
        again = [service.start("p2::service", name, manager, listed, prefix) for name in nodes]
        service.listening(*again)
        gets = "".join(f"GET key{number}\n" for number in range(30))
        done = recipes.run("p2::client", manager, stdin=gets + "STOP\n")
        require(done.stdout.splitlines()[:-1] == [f"GET key{number} v{number}"
                                                  for number in range(30)], done.stdout)
        done = recipes.run("p2::fuzz", "3", "no", manager, timeout_s=RUN_LIMIT_S)
        check_fuzz(done, "/tmp/madkv-p2/fuzz/fuzz-3-no.log")
        done = recipes.run("p2::bench", "2", "b", "3", manager, BENCH_CALLS, timeout_s=RUN_LIMIT_S)
        check_bench(done, "/tmp/madkv-p2/bench/bench-2-b-3.log")
        for process in again:
            service.end(process)
        require(not service.left(), f"left running: {service.left()}")


@test
def test_project_2_servers_refuse_managers_of_another_list(place):
    """The memory-only manager's cluster is made of its list."""
    manager, one, two = addresses(3)
    prefix = place.path("backer")
    with Recipes(place) as service:
        nodes = [service.start("p2::service", name, manager, one, prefix) for name in ("m", "s0")]
        service.listening(*nodes)
        for process in nodes:
            service.end(process)
        other = service.start("p2::service", "m", manager, f"{one},{two}", prefix)
        service.listening(other)
        done = recipes.run("p2::service", "s0", manager, f"{one},{two}", prefix)
        done.refused(EXIT_IDENTITY, prefix + ".s0", "belongs to cluster")


@test
def test_project_2_testcase_passes(place):
    """The scripted one."""
    del place
    done = recipes.run("p2::testcase", timeout_s=RUN_LIMIT_S)
    require(done.status == EXIT_OK and done.stdout.endswith("Testcase 1: PASSED\n"),
            f"it ended with {done.status}: {done.stdout[-1000:]}{done.stderr}")


@test
def test_project_3_by_its_recipes(place):
    """Nine components started at once from one tree, clients while the leader is killed."""
    managers, manager_p2ps, servers, server_p2ps = (addresses(count) for count in (3, 3, 6, 6))
    words = [",".join(managers), ",".join(manager_p2ps), "3", ",".join(servers),
             ",".join(server_p2ps), place.path("backer")]
    with Recipes(place) as service:
        nodes = {name: service.start("p3::service", name, *words)
                 for name in ("m.0", "m.1", "m.2", "s0.0", "s0.1", "s0.2", "s1.0", "s1.1", "s1.2")}
        service.listening(*nodes.values())
        wait_until("healthy", lambda: (local.read_status(words[0]) or {}).get("healthy"))
        status = local.read_status(words[0])
        leader = next(f"s0.{group['leader']}" for group in status["groups"]
                      if group["group"] == "s0")
        pipe = Pipe(service.mark, "p3::client", words[0])
        pipe.call("PUT k before", CALL_LIMIT_S)
        service.end(nodes[leader], signal.SIGKILL)
        for number in range(20):
            require(pipe.call(f"PUT k{number} after", CALL_LIMIT_S) == [f"PUT k{number} not_found"],
                    "a write was answered wrongly")
        pipe.stop(STOP_LIMIT_S)
        pipe.kill()
        nodes[leader] = service.start("p3::service", leader, *words)
        service.listening(nodes[leader])
        for process in nodes.values():
            service.end(process)
        require(not service.left(), f"left running: {service.left()}")


# -- what is refused

REFUSED = [
    (["p1::server", "nowhere"], "listen is 'nowhere'"),
    (["p1::server", "127.0.0.1:0"], "listen is '127.0.0.1:0'"),
    (["p1::service", "127.0.0.1:3777", "more"], "one parameter too many: 'more'"),
    (["p1::client", "a:1,b:2"], "server is 'a:1,b:2'"),
    (["p1::test1", "nowhere"], "server is 'nowhere'"),
    (["p1::test5", NOBODY, "more"], "one parameter too many"),
    (["p1::testcase"], "num is missing"),
    (["p1::testcase", "6"], "num is '6'; expected a number from 1 to 5"),
    (["p1::fuzz"], "nclis is missing"),
    (["p1::fuzz", "3", "perhaps"], "conflict is 'perhaps'; expected no or yes"),
    (["p1::bench"], "nclis is missing"),
    (["p1::bench", "2"], "wload is missing"),
    (["p1::bench", "2", "g"], "wload is 'g'; expected a, b, c, d, e or f"),
    (["p2::bench", "2", "a", "0"], "nservers is '0'"),
    (["p3::bench", "0", "a"], "nclis is '0'"),
    (["p2::manager", "port"], "man_port is 'port'"),
    (["p2::manager", "3666", "a:1,,b:2"], "servers is 'a:1,,b:2'"),
    (["p2::server", "one"], "id is 'one'"),
    (["p2::server", "0", NOBODY, "65536"], "api_port is '65536'"),
    (["p2::server", "0", NOBODY, "3777", ""], "backer_path is ''"),
    (["p2::service", "s3"], "node is 's3'; expected m or s0 to s2"),
    (["p2::service", "m.0"], "node is 'm.0'"),
    (["p2::client", "127.0.0.1"], "manager is '127.0.0.1'"),
    (["p2::testcase", "2"], "num is '2'; expected 1"),
    (["p2::fuzz", "many"], "nservers is 'many'"),
    (["p3::manager", "9"], "rep_id is '9'"),
    (["p3::manager", "0", "3666", "3606", "none", "2"], "server_rf is '2'"),
    (["p3::server", "0", "0", "x:1", "3777", "0"], "p2p_port is '0'"),
    (["p3::server", "0", "0", "x:1", "3777", "3707", "y"], "peers is 'y'"),
    (["p3::client", "a:b"], "managers is 'a:b'"),
    (["p3::client", NOBODY, "more"], "one parameter too many: 'more'"),
    (["p3::service", "m.3"], "node is 'm.3'; expected m.0 to m.2"),
    (["p3::service", "s2.0"], "node is 's2.0'; expected one of the 2 partitions of 3"),
    (["p3::service", "leader"], "node is 'leader'"),
    (["p3::service", "s0.0", NOBODY, "none", "3", "a:1,a:2"], "expected a multiple of server_rf"),
    (["p3::service", "s0.0", NOBODY, "none", "1", "a:1", "a:1,a:2"], "server_p2ps has 2 addresses"),
    (["p3::service", "s0.0", "a:1,a:2,a:3", "none"], "manager_p2ps is 'none'; expected 3"),
    (["p3::fuzz", "2"], "server_rf is '2'; expected 1, 3, 5, 7 or 9"),
    (["p3::testcase", "5"], "num is '5'; expected a number from 1 to 4"),
    (["p3::demo1", "more"], "one parameter too many: 'more'"),
    (["up", "2"], "managers is '2'; expected 1, 3, 5, 7 or 9"),
    (["up", "3", "0"], "partitions is '0'; expected 1 to 64"),
    (["up", "3", "2", "3", "4"], "one parameter too many: '4'"),
    (["down", "all"], "parameters are 'all'; expected none or --wipe"),
    (["build", "fast"], "kind is 'fast'; expected rel, debug"),
    (["build", "rel", "asan"], "one parameter too many: 'asan'"),
    (["chaos"], "plan is missing"),
    (["chaos", "some"], "plan is 'some'; expected leader, followers"),
    (["chaos", "leader", "2"], "rf is '2'; expected 3, 5, 7 or 9"),
    (["chaos", "leader", "3", "5"], "one parameter too many: '5'"),
]


@test
def test_recipes_refuse_wrong_parameters_with_an_example(place):
    """One line: what was given, what is expected, and parameters that work."""
    del place
    for words, said in REFUSED:
        done = recipes.run(*words)
        done.refused(EXIT_USAGE, "madkv: ", said, EXAMPLE)


@test
def test_extra_flags_reach_the_program(place):
    """Appended to a recipe."""
    address, = addresses(1)
    for recipe, *words in (["p3::server", "0", "0", "none", port_of(address), "3707", "none",
                            place.path("data")],
                           ["p3::client", NOBODY], ["p1::client", NOBODY], ["p1::server", address]):
        done = recipes.run(recipe, *words, "--no-such-flag", "1")
        done.refused(EXIT_USAGE, "--no_such_flag" if "no_such" in done.stderr else "no-such-flag")


TEXTS = ("README.md", "server/README.md", "tools/hosts/README.md")


def recipes_there_are():
    """Names of all recipes and aliases, with their modules."""
    dump = subprocess.run([recipes.just(), "--dump", "--dump-format", "json"], cwd=local.ROOT,
                          check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    top = json.loads(dump.stdout)
    names = set(top["recipes"]) | set(top["aliases"])
    for module, content in top["modules"].items():
        names |= {f"{module}::{name}" for name in [*content["recipes"], *content["aliases"]]}
    return names


@test
def test_texts_name_only_recipes_that_there_are(place):
    """After `just`, or with a module's name before them."""
    del place
    known = recipes_there_are()
    require({"p1::test5", "p2::testcase", "p3::test4", "cluster::plan", "up"} <= known, f"{known}")
    for path in TEXTS:
        with open(os.path.join(local.ROOT, path), encoding="utf-8") as file:
            text = file.read()
        named = set(re.findall(r"(?:`|\| )just ([a-z][a-z0-9-]*(?:::[a-z][a-z0-9-]*)?)", text))
        named |= set(re.findall(r"\b((?:p[123]|utils|cluster)::[a-z][a-z0-9-]*)", text))
        require(named <= known, f"{path} names {sorted(named - known)}")


# -- p1::kill and its siblings

KILLED = """
set -eu
cp "$(command -v sleep)" "$1/madkv-serverx"
"$1/madkv-serverx" 600 &
decoy=$!
just $2::kill
"$3" --manager_addrs none --api_listen "$4" --backer_path none 2>"$1/log" &
server=$!
until grep -q 'listening on' "$1/log"; do kill -0 "$server"; done
kill -STOP "$server"
just $2::kill
state=$(sed 's/.*) //; s/ .*//' "/proc/$server/stat" 2>/dev/null || echo gone)
case $state in gone | Z) ;; *) echo "the server is still there: $state"; exit 1 ;; esac
kill -0 "$decoy"
"""


@test
def test_kill_knows_every_program_that_is_installed(place):
    """So that a new one is not forgotten."""
    del place
    build = os.path.join(local.ROOT, ".build", os.environ.get("MADKV_BUILD") or "rel")
    listed = subprocess.run(["meson", "introspect", "--installed", build], check=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    programs = {os.path.basename(path) for path in json.loads(listed.stdout).values()
                if "/bin/" in path}
    require("madkv-server" in programs, f"installs {programs}")
    with open(os.path.join(local.ROOT, "tools", "kill"), encoding="utf-8") as file:
        known = set(re.findall(r'"(madkv-\w+)"', file.read()))
    require(programs <= known, f"tools/kill does not know {sorted(programs - known)}")


@test
def test_kill_ends_every_component_and_nothing_else(place):
    """In a process namespace of its own: a stopped server goes, a program of another name stays."""
    probe = subprocess.run(["unshare", "-pf", "--mount-proc", "true"], check=False,
                           stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if probe.returncode != 0:
        raise Skip(f"no process namespaces here: {probe.stderr.decode(errors='replace').strip()}")
    path = os.path.dirname(recipes.just()) + ":" + os.environ["PATH"]
    for project in ("p1", "p2", "p3"):
        address, = addresses(1)
        done = subprocess.run(
            ["unshare", "-pf", "--mount-proc", "sh", "-c", KILLED, "sh", place.directory, project,
             local.program_path("madkv-server"), address], cwd=local.ROOT, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=RUN_LIMIT_S, env={**os.environ, "PATH": path})
        require(done.returncode == 0, f"{project}::kill: {done.stdout.decode(errors='replace')}")
