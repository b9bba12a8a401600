"""Disks that misbehave, for a cluster: the shim of tests/shim in every node, and the power button.

    disks = Disks(place.path("disks"))
    with place.cluster(disks=disks) as cluster:
        disks.tell("s0.1", "sync delay=60000")       # stalls; rules: tests/shim/rules.c
        disks.strikes("s0.1")                        # the calls that were struck, as text
        disks.tell("s0.1")                           # well again
        cluster.kill("s0.1")
        disks.lose_power("s0.1")                     # what was not synced is gone
        cluster.restart("s0.1")

Rules strike a running process at once. Power can only be lost by a node that is dead. With
`torn`, a random.Random, each sector that was not synced is lost or kept by chance.
"""

import bisect
import os
import struct

import cluster as local

SECTOR_BYTES = 512
RECORD = struct.Struct("=5Q")   # kind, offset, length, file size, size: tests/shim/undo.c
WRITE, DURABLE, SYNCED, LOST = 1, 2, 3, 4


def shim_path(build=None):
    """The library, or None if this build has none (sanitizers)."""
    build = build or os.environ.get("MADKV_BUILD") or "rel"
    path = os.path.join(local.ROOT, ".build", build, "tests", "shim", "libmadkv_shim.so")
    return path if os.path.exists(path) else None


class Disks:
    """The disks of all nodes of a cluster."""

    def __init__(self, directory, build=None):
        """`directory`: for rules and undo logs, outside of the nodes' data."""
        self.directory = directory
        self.shim = shim_path(build)
        os.makedirs(directory, exist_ok=True)

    def env(self, name, data_path):
        """The environment that puts the shim before node `name`."""
        os.makedirs(self._undo(name), exist_ok=True)
        return {"LD_PRELOAD": self.shim, "MADKV_SHIM_DIR": os.path.realpath(data_path),
                "MADKV_SHIM_CONTROL": self._control(name), "MADKV_SHIM_UNDO": self._undo(name)}

    def tell(self, name, *rules):
        """Replaces the rules of a node, whether it runs or not; none: its disk is well."""
        path = self._control(name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("\n".join(rules) + "\n")
        os.rename(path + ".new", path)

    def strikes(self, name):
        """What rules did to a node so far, a line each: operation, path, rule."""
        try:
            with open(self._control(name) + ".log", encoding="utf-8") as log:
                return log.read().splitlines()
        except FileNotFoundError:
            return []

    def lose_power(self, name, torn=None):
        """Takes back what the dead node had not synced; returns how many bytes of how many files."""
        lost, files = 0, 0
        for entry in sorted(os.listdir(self._undo(name))):
            path = os.path.join(self._undo(name), entry)
            count = play_back(path, entry, torn)
            os.remove(path)
            lost += count
            files += count > 0
        return lost, files

    def _control(self, name):
        return os.path.join(self.directory, name + ".rules")

    def _undo(self, name):
        return os.path.join(self.directory, name + ".undo")


def records(log):
    """The whole records of an undo log, as [kind, offset, length, file size, bytes]."""
    found = []
    while len(head := log.read(RECORD.size)) == RECORD.size:
        kind, offset, length, file_size, size = RECORD.unpack(head)
        old = log.read(size)
        if len(old) < size:
            break
        found.append([kind, offset, length, file_size, old])
        if kind == SYNCED:
            note_synced(found)
    return found


def note_synced(found):
    """What was written since the last LOST has become durable."""
    for record in reversed(found):
        if record[0] == LOST:
            break
        if record[0] == WRITE:
            record[0] = DURABLE


class Ranges:
    """Bytes of a file that are on the disk for certain."""

    def __init__(self):
        self._ranges = []   # sorted, disjoint [begin, end)

    @property
    def end(self):
        """Where the last of them ends."""
        return self._ranges[-1][1] if self._ranges else 0

    def add(self, begin, end):
        """These too."""
        if begin >= end:
            return
        first = bisect.bisect_left(self._ranges, (begin, begin))
        if first > 0 and self._ranges[first - 1][1] >= begin:
            first -= 1
        last = first
        while last < len(self._ranges) and self._ranges[last][0] <= end:
            begin = min(begin, self._ranges[last][0])
            end = max(end, self._ranges[last][1])
            last += 1
        self._ranges[first:last] = [(begin, end)]

    def gaps(self, begin, end):
        """The parts of [begin, end) that are not among them."""
        at = max(bisect.bisect_left(self._ranges, (begin, begin)) - 1, 0)
        while begin < end and at < len(self._ranges) and self._ranges[at][0] < end:
            if self._ranges[at][0] > begin:
                yield begin, self._ranges[at][0]
            begin = max(begin, self._ranges[at][1])
            at += 1
        if begin < end:
            yield begin, end


def keep_some(kept, offset, length, torn):
    """Of a write that was not synced, some sectors have reached the disk all the same."""
    for sector in range(offset // SECTOR_BYTES, -(-(offset + length) // SECTOR_BYTES)):
        if torn.random() < 0.5:
            begin = max(offset, sector * SECTOR_BYTES)
            kept.add(begin, min(offset + length, (sector + 1) * SECTOR_BYTES))


def play_back(path, name, torn=None):
    """Undoes one log, last record first; returns how many bytes that changed or cut off."""
    with open(path, "rb") as log:
        target = log.readline().decode("utf-8", "surrogateescape").rstrip("\n")
        found = records(log)
    device, inode = name.split("-")
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return 0
    if (status.st_dev, status.st_ino) != (int(device, 16), int(inode)):
        return 0
    kept, size, lost = Ranges(), status.st_size, 0
    with open(target, "r+b") as file:
        for kind, offset, length, file_size, old in reversed(found):
            if kind == WRITE and torn:
                keep_some(kept, offset, length, torn)
            if kind == WRITE:
                old = old.ljust(length, b"\0")   # where the file had ended, a hole may be left
                for begin, end in kept.gaps(offset, offset + len(old)):
                    file.seek(begin)
                    file.write(old[begin - offset:end - offset])
                    lost += end - begin
                size = file_size
            elif kind == DURABLE:
                kept.add(offset, offset + length)
                size = max(size, offset + length)
        size = max(size, kept.end)
        lost += max(status.st_size - size, 0)
        file.truncate(size)
    return lost
