"""The client program, where its service is dead, slow or gone."""

import contextlib
import os
import signal
import subprocess

from harness import EXIT_FAILED, EXIT_OK
from harness import hold, kill, local, require, run, test
from harness import SANITIZER_ENV
from load import Load

STOP_LIMIT_S = 10.0


def nobody():
    """An address where nobody listens."""
    return f"{local.HOST}:{local.free_ports(1)[0]}"


@contextlib.contextmanager
def service(address, backer_path="none"):
    """A whole service in one process; ended with SIGTERM, which has to end it well."""
    command = ["setpriv", "--pdeathsig", "KILL", "--", local.program_path("madkv-server"),
               "--manager_addrs", "none", "--api_listen", address, "--backer_path", backer_path]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, **SANITIZER_ENV})
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        require(process.wait(STOP_LIMIT_S) == EXIT_OK, "SIGTERM did not end the service well")
    finally:
        process.kill()
        process.wait()


@test
def test_client_answers_every_kind_of_call(place):
    """CONTRACT.md section 3, word by word, through real processes."""
    del place
    address = nobody()
    calls = ("PUT k1 v1\n  PUT   k1   v2  \n\nGET k1\nGET k2\nSWAP k1 v3\nSWAP k3 v4\nSCAN a z\n"
             "SCAN x z\nDELETE k1\nDELETE k1\nget k1\nPUT k1\nGET\nPUT a b c\nGET k1\nSTOP\n"
             "GET k1\n")
    with service(address):
        done = run("madkv-client", ["--server_addrs", address], stdin=calls)
    lines = done.stdout.splitlines()
    errors = [line for line in lines if line.startswith("ERROR ")]
    require(len(errors) == 4, f"four lines are no calls: {lines}")
    require([line for line in lines if not line.startswith("ERROR ")] ==
            ["PUT k1 not_found", "PUT k1 found", "GET k1 v2", "GET k2 null", "SWAP k1 v2",
             "SWAP k3 null", "SCAN a z BEGIN", "  k1 v3", "  k3 v4", "SCAN END",
             "SCAN x z BEGIN", "SCAN END", "DELETE k1 found", "DELETE k1 not_found",
             "GET k1 null", "STOP"], f"answered {lines}")
    require(done.status == EXIT_FAILED, f"with ERRORs the status is 1, not {done.status}")


@test
def test_client_takes_any_byte_and_the_largest_key_and_value(place):
    """Bytes that are no text, 511 bytes of key, 1 MiB of value; one more of each is an ERROR."""
    del place
    address = nobody()
    odd = b"".join(bytes([byte]) for byte in range(1, 256) if byte not in b" \t\n\v\f\r")
    key, value = b"k" * 511, b"v" * (1 << 20)
    calls = [b"PUT odd " + odd, b"GET odd", b"PUT " + odd + b" x", b"GET " + odd,
             b"PUT " + key + b" " + value, b"GET " + key,
             b"PUT " + key + b"k v", b"PUT big " + value + b"v", b"GET big", b"STOP"]
    with service(address):
        command = [local.program_path("madkv-client"), "--server_addrs", address]
        done = subprocess.run(command, input=b"\n".join(calls) + b"\n", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=60, check=False)
    lines = done.stdout.split(b"\n")
    require(lines[:6] == [b"PUT odd not_found", b"GET odd " + odd, b"PUT " + odd + b" not_found",
                          b"GET " + odd + b" x", b"PUT " + key + b" not_found",
                          b"GET " + key + b" " + value], "bytes were changed on the way")
    require(lines[6].startswith(b"ERROR ") and lines[7].startswith(b"ERROR ") and
            lines[8:] == [b"GET big null", b"STOP", b""], f"answered {lines[6:]}"[:500])


@test
def test_client_waits_for_a_service_that_appears_late(place):
    """It was started first; not a byte until the service is there, then the answer."""
    address = nobody()
    log = place.path("client.log")
    command = [local.program_path("madkv-client"), "--server_addrs", address]
    with open(log, "wb") as stderr:
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=stderr, bufsize=0)
    try:
        client.stdin.write(b"PUT k v\n")
        os.set_blocking(client.stdout.fileno(), False)
        hold(3.0)
        require(client.stdout.read() is None, "an answer without a service")
        os.set_blocking(client.stdout.fileno(), True)
        with service(address):
            require(client.stdout.read(100) == b"PUT k not_found\n", "another answer")
            client.stdin.write(b"STOP\n")
            require(client.wait(STOP_LIMIT_S) == EXIT_OK, "STOP did not end it well")
    finally:
        client.kill()
        client.wait()
    with open(log, encoding="utf-8") as text:
        said = text.read().splitlines()
    require(len(said) == 2, f"it says once that it waits and once that it goes on: {said}")


@test
def test_client_outlives_a_dead_cluster(place):
    """All nodes are dead for three seconds; the call under way is answered by their successors."""
    with place.cluster() as cluster:
        client = cluster.client()
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        cluster.kill_all()
        client.send("SWAP k w")
        hold(3.0)
        require(client.received_bytes(0) == 0, "an answer of the dead")
        for name in cluster.names:
            cluster.restart(name)
        require(client.receive() == ["SWAP k v"], "a wrong answer after the restart")
        require(client.close() == EXIT_OK, "STOP did not end it well")


@test
def test_timeout_says_whether_the_call_may_still_take_effect(place):
    """Never sent: it took no effect. Sent to a leader without a majority: it may."""
    with place.cluster() as cluster:
        with Load(cluster, place.path("history")) as load:
            load.wait(200)
        load.judge()
        client = cluster.client(["--timeout", "2"])
        require(client.call("PUT k v") == ["PUT k not_found"], "a wrong answer")
        leader = cluster.leader("s0")
        kill(cluster, *(name for name in cluster.topology.group("s0") if name != leader))
        answer = client.call("PUT k w")
        require(len(answer) == 1 and answer[0].startswith("ERROR timeout") and "may" in answer[0],
                f"PUT was answered {answer}")
        answer = client.call("GET k")
        require(answer[0].startswith("ERROR timeout"), f"GET was answered {answer}")
        answer = client.call("SCAN a z")
        require(len(answer) == 2 and answer[0] == "SCAN a z BEGIN" and
                answer[1].startswith("ERROR timeout"), f"SCAN was answered {answer}")
        require(client.close() == EXIT_FAILED, "with ERRORs the status is 1")
        done = run("madkv-client", ["--manager_addrs", nobody(), "--timeout", "1"],
                   stdin="PUT k v\n")
        require(done.stdout.startswith("ERROR timeout") and done.stdout.count("\n") == 1 and
                done.status == EXIT_FAILED, f"answered {done.stdout!r}, status {done.status}")
        cluster.kill_all()


@test
def test_stop_and_end_of_input_never_wait_for_the_service(place):
    """Nobody is there, and no call needs anybody."""
    del place
    for text, answer in (("STOP\n", "STOP\n"), ("", ""), ("\n \n", "")):
        done = run("madkv-client", ["--manager_addrs", nobody()], STOP_LIMIT_S, text)
        require(done.status == EXIT_OK and done.stdout == answer,
                f"{text!r}: {done.stdout!r}, status {done.status}")
    done = run("madkv-client", ["--manager_addrs", nobody()], STOP_LIMIT_S, "nonsense\nSTOP\n")
    require(done.status == EXIT_FAILED and done.stdout.startswith("ERROR ") and
            done.stdout.endswith("\nSTOP\n"), f"{done.stdout!r}, status {done.status}")


@test
def test_retrying_client_ends_once_its_reader_is_gone(place):
    """A driver that was killed leaks no client."""
    del place
    client = subprocess.Popen([local.program_path("madkv-client"), "--manager_addrs", nobody()],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    try:
        client.stdin.write(b"GET k\n")
        client.stdin.flush()
        said = client.stderr.readline()
        require(b"waiting" in said, f"it said {said} instead of that it waits")
        require(client.poll() is None, "it ended though its reader was there")
        client.stdout.close()
        client.wait(STOP_LIMIT_S)
    finally:
        client.kill()
        client.wait()
        client.stdin.close()
        client.stderr.close()
