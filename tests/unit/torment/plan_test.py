#!/usr/bin/env python3
"""Tests of the schedule of tools/torment: it keeps what torment promises, and a seed repeats it."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools"))
import torment_plan as plan  # pylint: disable=wrong-import-position

SEEDS = 60
SECONDS = 120.0


def groups_of(rf):
    """Three managers and two partitions."""
    return {"m": [f"m.{i}" for i in range(3)],
            **{f"s{p}": [f"s{p}.{i}" for i in range(rf)] for p in range(2)}}


def schedules():
    """(groups, events) of many seeds."""
    for seed in range(SEEDS):
        groups = groups_of((3, 5)[seed % 2])
        yield groups, plan.schedule(seed, SECONDS, groups, list(plan.KINDS))


class PlanTest(unittest.TestCase):
    """See the top of tools/torment_plan.py."""

    def test_a_seed_repeats_its_schedule_and_another_does_not(self):
        groups = groups_of(3)
        first, again, other = (plan.schedule(seed, SECONDS, groups, list(plan.KINDS))
                               for seed in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_at_most_f_of_a_group_are_down_at_once(self):
        for groups, events in schedules():
            for event in events:
                group = groups[event.node.split(".")[0]]
                down = {other.node for other in events if other.node in group
                        and other.begin_s <= event.begin_s <= other.end_s}
                self.assertLessEqual(len(down), (len(group) - 1) // 2)

    def test_nobody_of_a_group_is_down_while_one_is_wiped(self):
        for groups, events in schedules():
            for wipe in events:
                if wipe.kind != "wipe":
                    continue
                group = groups[wipe.node.split(".")[0]]
                beside = [other for other in events if other.node in group and other != wipe
                          and other.begin_s <= wipe.end_s and wipe.begin_s <= other.end_s]
                self.assertEqual(beside, [])

    def test_nobody_is_struck_while_he_is_down(self):
        for _, events in schedules():
            until = {}
            for event in events:
                self.assertGreater(event.begin_s, until.get(event.node, -1))
                until[event.node] = event.end_s

    def test_every_kind_and_every_node_has_its_turn(self):
        for rf in (3, 5):
            groups = groups_of(rf)
            events = [event for seed in range(SEEDS)
                      for event in plan.schedule(seed, SECONDS, groups, list(plan.KINDS))]
            self.assertEqual({event.kind for event in events}, set(plan.KINDS))
            self.assertEqual({event.node for event in events}, set(sum(groups.values(), [])))

    def test_actions_are_in_order_and_each_end_follows_its_beginning(self):
        for _, events in schedules():
            actions = plan.actions(events)
            self.assertEqual([at for at, _, _ in actions], sorted(at for at, _, _ in actions))
            begun = set()
            for _, event, begins in actions:
                self.assertEqual(event.number in begun, not begins)
                begun.add(event.number)


if __name__ == "__main__":
    unittest.main()
