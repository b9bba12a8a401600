"""tools/recovery measures what it says (how fast is not a test's business); tools/torment's parameters."""

import json
import os
import subprocess

from harness import local, require, test

RECORDS = 2000


@test
def test_torment_refuses_what_it_cannot_take(place):
    """In one line, with an example; a plan is the same for the same seed."""
    tool = os.path.join(local.ROOT, "tools", "torment")
    for given in (["many"], ["10", "4"], ["10", "3", "3"], ["--seed"], ["kill-loop", "0"]):
        done = subprocess.run([tool, *given], check=False, capture_output=True, text=True, timeout=60,
                              cwd=place.directory)
        require(done.returncode == 2 and done.stderr.count("\n") == 1 and "for example" in done.stderr,
                f"{given}: {done.returncode}, {done.stderr!r}")
    plans = {subprocess.run([tool, "60", "5", "--seed", "7", "--plan"], check=True, text=True,
                            stdout=subprocess.PIPE, timeout=60).stdout for _ in range(2)}
    require(len(plans) == 1 and len(plans.pop().splitlines()) > 10, "the plan of a seed is not one")


@test
def test_recovery_measures_every_number(place):
    """On few records; and it refuses what it cannot take."""
    tool = os.path.join(local.ROOT, "tools", "recovery")
    done = subprocess.run([tool, str(RECORDS), "--seconds", "2"], check=False, capture_output=True,
                          text=True, timeout=300, cwd=place.directory)
    require(done.returncode == 0, f"it ended with {done.returncode}: {done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])[0]
    for name in ("follower_listens_ms", "follower_level_ms", "all_answer_ms",
                 "catch_up_log_mb_per_s", "disk_bytes_per_live_byte"):
        require(found[name] > 0, f"{name} is {found[name]}")
    require(found["follower_listens_ms"] <= found["follower_level_ms"], f"{found}")
    for given in (["0"], ["many"], ["10", "20"], ["10", "--seconds", "no"]):
        done = subprocess.run([tool, *given], check=False, capture_output=True, text=True, timeout=60)
        require(done.returncode == 2 and done.stderr.count("\n") == 1,
                f"{given}: {done.returncode}, {done.stderr!r}")
