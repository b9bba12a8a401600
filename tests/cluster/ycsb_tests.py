"""tools/ycsb, with lines as the real YCSB's `basic` binding prints them."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys

from course_logs import TYPE_LINE
from harness import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from harness import local, require, test

YCSB = os.path.join(local.ROOT, "tools", "ycsb")
LIMIT_S = 120.0
PRINTABLE = bytes(range(0x21, 0x7f))

_loader = importlib.machinery.SourceFileLoader("ycsb_tool", YCSB)
ycsb = importlib.util.module_from_spec(importlib.util.spec_from_loader("ycsb_tool", _loader))
_loader.exec_module(ycsb)

LOAD = b"""/usr/bin/java -cp ycsb/lib/core-0.17.0.jar site.ycsb.Client -load -db site.ycsb.BasicDB
***************** properties *****************
"workload"="site.ycsb.workloads.CoreWorkload"
**********************************************
INSERT usertable user30 [ field1=a b  c field0=[]!"#$%&'()*+,-./:;<=>?@ ]
INSERT usertable user10 [ field1=x ]
INSERT usertable user20 [ field1=y ]
[OVERALL], RunTime(ms), 1234
[INSERT], Operations, 3
"""
RUN = b"""READ usertable user10 [ <all fields>]
UPDATE usertable user10 [ field7=INSERT ]
SCAN usertable user10 2 [ <all fields>]
SCAN usertable user20 100 [ <all fields>]
READ usertable user40 [ <all fields>]
[READ], Operations, 2
"""


def run(words, lines=b""):
    """(exit status, stdout, stderr)."""
    done = subprocess.run([sys.executable, YCSB, *words], input=lines, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@test
def test_ycsb_lines_become_calls(place):
    """Keys, values without blanks, ends of scans; what is no call is passed over."""
    del place
    keys = ycsb.Keys()
    require(ycsb.call_of(b"SCAN t a 3 [ <all fields>]", keys) == ("SCAN", b"SCAN t_a zzzzzzzz"), "no key")
    calls = [call for line in (LOAD + RUN).splitlines() if (call := ycsb.call_of(line, keys))]
    expected = [
        ("INSERT", b"PUT usertable_user30 _field1=a_b_c_field0=[]!\"#$%&'()*+,-./:;<=>?@_]"),
        ("INSERT", b"PUT usertable_user10 _field1=x_]"), ("INSERT", b"PUT usertable_user20 _field1=y_]"),
        ("READ", b"GET usertable_user10"), ("UPDATE", b"SWAP usertable_user10 _field7=INSERT_]"),
        ("SCAN", b"SCAN usertable_user10 usertable_user20"),
        ("SCAN", b"SCAN usertable_user20 usertable_user30"), ("READ", b"GET usertable_user40")]
    require(calls == expected, f"{calls}")
    kind, call = ycsb.call_of(b"INSERT t k [ f=" + PRINTABLE + b" ]", keys)
    require(kind == "INSERT" and call == b"PUT t_k _f=" + PRINTABLE + b"_]", f"{call}")
    require(ycsb.call_of(b"", keys) is None and ycsb.call_of(b"INSERTED t k [ x ]", keys) is None, "calls")


@test
def test_ycsb_feeds_a_client(place):
    """Load, then run with the keys of the load; the figures stand in the known layout."""
    keys = ["--keys", place.path("keys")]
    with place.cluster(managers=1, partitions=2, rf=1) as cluster:
        status, load, said = run([cluster.manager_addrs, *keys], LOAD)
        require(status == EXIT_OK and "[Load]" in load and not said, f"{status} {load} {said}")
        status, figures, said = run([cluster.manager_addrs, *keys], RUN)
        require(status == EXIT_OK and "[Run]" in figures and not said, f"{status} {figures} {said}")
        counts = {found[1]: int(found[2]) for line in figures.splitlines()
                  if (found := TYPE_LINE.search(line))}
        require(counts == {"UPDATE": 1, "READ": 2, "SCAN": 2}, figures)
        answer = cluster.client().call("GET usertable_user10")
        require(answer == ["GET usertable_user10 _field7=INSERT_]"], f"{answer}")
    with open(place.path("keys"), "rb") as file:
        require(file.read() == b"usertable_user10\nusertable_user20\nusertable_user30\n", "other keys")


@test
def test_ycsb_says_what_is_wrong(place):
    """In one line."""
    status, _, said = run(["nowhere"])
    require(status == EXIT_USAGE and said.count("\n") == 1 and "'nowhere'" in said, said)
    status, text, _ = run(["--get"])
    require(status == EXIT_OK and "github.com/brianfrankcooper/YCSB" in text, text)
    with place.cluster(managers=1, rf=1) as cluster:
        for line, why in ((b"INSERT usertable user1 x\n", "no value in brackets"), (b"READ\n", "no table"),
                          (b"SCAN usertable user1 many [ ]\n", "no count"),
                          (b"READ t " + b"k" * 600 + b" [ ]\n", "the client says ERROR")):
            status, _, said = run([cluster.manager_addrs], b"READ t k [ ]\n" + line)
            require(status == EXIT_FAILED and said.count("\n") == 1 and "line 2" in said and why in said,
                    f"{line[:40]}: {status} {said}")
