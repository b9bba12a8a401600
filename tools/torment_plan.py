"""What tools/torment does, and when: a schedule out of a seed.

An Event takes one node down at a time and brings it back at another. The schedule alone keeps what
torment promises: of each group at most as many nodes are down at once as it can spare, and nobody of
a group is down while one of it is wiped. Times are seconds since the round began; on a slow machine
all of them are late by as much, their order stays.
"""

import collections
import random

# kind: (weight, shortest and longest time down in seconds)
KINDS = {
    "kill": (6, 0.2, 4.0),    # SIGKILL, then a new start on the same directory
    "stop": (4, 0.3, 6.0),    # SIGSTOP, then SIGCONT
    "term": (3, 0.1, 2.0),    # SIGTERM, which has to end in good order, then a new start
    "power": (3, 0.2, 3.0),   # SIGKILL, and what was not synced is gone; then a new start
    "wipe": (2, 0.2, 2.0),    # SIGKILL, and the directory is gone; then a new start on nothing
}
PAUSE_S = (0.2, 2.5)   # between the beginnings of two events
REST_S = 3.0           # after a node is back, before the schedule counts it as well again
WIPE_REST_S = 8.0      # likewise, after a wipe

Event = collections.namedtuple("Event", "number begin_s end_s kind node")


def rest_of(event):
    """How long after its end an event still counts."""
    return WIPE_REST_S if event.kind == "wipe" else REST_S


def is_allowed(event, others, spare):
    """May it strike beside those other events of its group?"""
    near = [other for other in others
            if other.begin_s < event.end_s + rest_of(event)
            and event.begin_s < other.end_s + rest_of(other)]
    if any(other.node == event.node for other in near):
        return False
    if event.kind == "wipe" or any(other.kind == "wipe" for other in near):
        return not near
    return len(near) + 1 <= spare


def schedule(seed, seconds, groups, kinds):
    """Events of a round in order of their beginnings, the same for the same arguments.

    `groups`: {group: names of its nodes}. `kinds`: those of KINDS that may be used.
    """
    rng = random.Random(f"torment/{seed}")
    events, now_s = [], 0.0
    names = [name for group in groups.values() for name in group]
    while (now_s := now_s + rng.uniform(*PAUSE_S)) < seconds:
        kind = rng.choices(kinds, [KINDS[kind][0] for kind in kinds])[0]
        node = rng.choice(names)
        down_s = rng.uniform(*KINDS[kind][1:])
        event = Event(len(events), round(now_s, 1), round(now_s + down_s, 1), kind, node)
        group = groups[node.split(".")[0]]
        others = [other for other in events if other.node in group]
        if is_allowed(event, others, (len(group) - 1) // 2):
            events.append(event)
    return events


def actions(events):
    """(time, event, whether it begins) of all beginnings and ends, in order of time."""
    found = [(event.begin_s, event, True) for event in events]
    found += [(event.end_s, event, False) for event in events]
    return sorted(found, key=lambda action: (action[0], action[1].number))
