#!/usr/bin/env python3
"""Tests of the shim: random lives of a file against a naive account of what is on the disk, and the
rules. Each life runs in a process of its own, with the shim before it.

    tests/shim/shim_test.py LIBRARY
"""

import errno
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "cluster"), os.path.join(HERE, "..", "..", "tools")]
import disks  # pylint: disable=wrong-import-position

FILE_BYTES_MAX = 6000
LIBRARY = None

# What a life does, in the process with the shim: steps are read from the command line.
LIFE = """
import os, sys
path, fds = sys.argv[1], {}
fds["plain"] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
fds["dsync"] = os.open(path, os.O_WRONLY | os.O_DSYNC)
for step in sys.argv[2:]:
    word, *numbers = step.split(",")
    numbers = [int(number) for number in numbers]
    try:
        if word in fds:
            offset, size, byte = numbers
            if byte % 2:
                os.lseek(fds[word], offset, os.SEEK_SET)
                os.writev(fds[word], [bytes([byte]) * (size // 2), bytes([byte]) * (size - size // 2)])
            else:
                os.pwrite(fds[word], bytes([byte]) * size, offset)
        elif word == "truncate":
            os.ftruncate(fds["plain"], numbers[0])
        elif word == "fsync":
            os.fsync(fds["plain"])
        else:
            os.fdatasync(fds["plain"])
        print("ok")
    except OSError as error:
        print(error.errno)
"""


class Account:
    """A naive account: the file as it is, and each byte as it is on the disk."""

    def __init__(self):
        self.now = bytearray()
        self.disk = bytearray()

    def write(self, offset, size, byte, durable):
        """A write; a durable one takes its bytes, and only them, to the disk."""
        end = offset + size
        self.now.extend(bytes(max(end - len(self.now), 0)))
        self.now[offset:end] = bytes([byte]) * size
        if durable:
            self.disk.extend(bytes(max(end - len(self.disk), 0)))
            self.disk[offset:end] = self.now[offset:end]

    def truncate(self, size):
        """Shorter or longer, not synced."""
        self.now = self.now[:size] + bytes(max(size - len(self.now), 0))

    def sync(self):
        """All of it is on the disk."""
        self.disk = bytearray(self.now)


class ShimTest(unittest.TestCase):
    """Each test has a directory of its own."""

    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="madkv-shim-")
        self.data = os.path.join(self.place.name, "data")
        self.file = os.path.join(self.data, "file")
        os.mkdir(self.data)
        self.disks = disks.Disks(os.path.join(self.place.name, "disks"))
        self.disks.shim = LIBRARY

    def tearDown(self):
        self.place.cleanup()

    def command(self, steps):
        """The process of a life, and its environment."""
        return ([sys.executable, "-c", LIFE, self.file, *steps],
                {**os.environ, **self.disks.env("n", self.data)})

    def live(self, *steps):
        """Lives one life; returns "ok" or an errno per step."""
        command, env = self.command(steps)
        return subprocess.run(command, env=env, stdout=subprocess.PIPE, check=False,
                              text=True).stdout.split()

    def content(self):
        """The file, as a process that starts now sees it."""
        with open(self.file, "rb") as file:
            return file.read()


def random_step(rng, account):
    """One step of a life, done to the account too."""
    word = rng.choices(["plain", "dsync", "fdatasync", "fsync"], [6, 3, 1, 1])[0]
    if word in ("fdatasync", "fsync"):
        account.sync()
        return word
    offset, size, byte = rng.randrange(FILE_BYTES_MAX), rng.randrange(1, 900), rng.randrange(1, 256)
    account.write(offset, size, byte, word == "dsync")
    return f"{word},{offset},{size},{byte}"


class UndoTest(ShimTest):
    """What a power loss leaves."""

    def test_random_lives_leave_what_was_synced(self):
        for seed in range(40):
            rng, account = random.Random(seed), Account()
            for _ in range(rng.randrange(1, 4)):      # lives between two power losses
                self.live(*(random_step(rng, account) for _ in range(rng.randrange(30))))
            self.assertEqual(self.content(), bytes(account.now), f"seed {seed}, before")
            self.disks.lose_power("n")
            self.assertEqual(self.content(), bytes(account.disk), f"seed {seed}, after")
            os.remove(self.file)

    def test_torn_write_leaves_whole_sectors_of_either(self):
        self.live("plain,0,8192,2", "fdatasync", "plain,0,8192,4", "plain,8192,4096,4")
        self.disks.lose_power("n", random.Random(1))
        sectors = [self.content()[at:at + 512] for at in range(0, 8192, 512)]
        self.assertEqual({bytes([2]) * 512, bytes([4]) * 512}, set(sectors))
        self.assertGreaterEqual(len(self.content()), 8192)

    def test_truncation_that_was_not_synced_is_undone(self):
        self.live("plain,0,3000,2", "fdatasync", "truncate,1000")
        self.assertEqual(len(self.content()), 1000)
        self.disks.lose_power("n")
        self.assertEqual(self.content(), bytes([2]) * 3000)

    def test_write_before_a_failed_sync_is_lost_whatever_later_syncs_say(self):
        self.disks.tell("n", "fdatasync fail=EIO skip=1 count=1")
        said = self.live("plain,0,2000,2", "fdatasync", "plain,0,500,4", "fdatasync", "plain,1000,500,6",
                         "fdatasync")
        self.assertEqual(said, ["ok"] * 3 + [str(errno.EIO)] + ["ok"] * 2)
        self.disks.lose_power("n")
        self.assertEqual(self.content(), bytes([2]) * 1000 + bytes([6]) * 500 + bytes([2]) * 500)

    def test_failed_durable_write_is_seen_until_the_power_goes(self):
        self.disks.tell("n", "dsync fail=EIO skip=1")
        said = self.live("dsync,0,100,2", "dsync,0,100,4")
        self.assertEqual(said, ["ok", str(errno.EIO)])
        self.assertEqual(self.content(), bytes([4]) * 100)
        self.disks.lose_power("n")
        self.assertEqual(self.content(), bytes([2]) * 100)

    def test_later_life_goes_on_with_what_an_earlier_one_left_unsynced(self):
        self.live("plain,0,100,2")
        self.live("plain,100,100,4")
        self.disks.lose_power("n")
        self.assertEqual(self.content(), b"")


class RuleTest(ShimTest):
    """Which calls are struck."""

    def test_nth_call_fails_and_is_told(self):
        self.disks.tell("n", "write fail=ENOSPC skip=1 count=2 file=file", "sync fail=EIO file=other")
        said = self.live(*["plain,0,10,2"] * 4, "fdatasync")
        full = str(errno.ENOSPC)
        self.assertEqual(said, ["ok", full, full, "ok", "ok"])
        self.assertEqual(len(self.disks.strikes("n")), 2)
        self.assertIn(f"write {self.file}: write fail=ENOSPC", self.disks.strikes("n")[0])

    def test_delayed_call_goes_on_when_the_rules_change(self):
        self.disks.tell("n", "fdatasync delay=3600000")
        command, env = self.command(["plain,0,10,2", "fdatasync"])
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as life:
            while not self.disks.strikes("n"):
                self.assertIsNone(life.poll(), "it did not wait")
            self.disks.tell("n")
            self.assertEqual(life.communicate(timeout=60)[0].split(), ["ok", "ok"])

    def test_delay_is_as_long_as_was_said(self):
        self.disks.tell("n", "fsync delay=300")
        began = time.monotonic()
        self.live("fsync")
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_kill_comes_before_the_call(self):
        self.disks.tell("n", "dsync kill skip=1")
        command, env = self.command(["dsync,0,100,2", "dsync,0,100,4"])
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, -9)
        self.assertEqual(self.content(), bytes([2]) * 100)

    def test_rule_that_cannot_be_read_ends_the_process(self):
        for rule in ("fdatasync delay=soon", "fdatasync fail=EWHAT", "unlink kill", "write what"):
            self.disks.tell("n", rule)
            command, env = self.command(["plain,0,10,2"])
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False)
            self.assertEqual(done.returncode, -6, rule)
            self.assertIn(rule.split()[0], done.stderr.decode())


if __name__ == "__main__":
    LIBRARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
