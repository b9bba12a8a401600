#!/usr/bin/env python3
"""The judge of --json judges: a good picture passes, and each way of spoiling it is found."""

import copy
import sys
import unittest

import schema

REPLICA = {"node": "s0.1", "addr": "h:1", "up": True, "state": "up", "votes": True, "pid": 7,
           "role": "leader", "chosen_slot": 1, "applied_slot": None, "lag_slots": 0,
           "figures": {"a": 1, "b": "x"}}
GROUP = {"group": "s0", "leader": 1, "leader_round": 3, "can_lose": 1, "majority_lost": False,
         "up_count": 3, "replica_count": 3, "chosen_slot": 1, "applied_slot": 1, "lag_slots": 0,
         "replicas": [REPLICA]}
PICTURE = {"version": 1, "healthy": True, "reason": "", "cluster": "00c0ffee12345678",
           "servers_known": True, "groups": [GROUP], "further": "members are fine"}


class Schema(unittest.TestCase):
    """One test per way of being wrong."""

    def found(self, spoil):
        """What is wrong with a picture that `spoil` has spoilt."""
        picture = copy.deepcopy(PICTURE)
        spoil(picture)
        return list(schema.problems(picture, schema.load()))

    def test_a_good_picture_passes(self):
        """And one whose cluster nobody knows."""
        self.assertEqual(self.found(lambda p: None), [])
        self.assertEqual(self.found(lambda p: p.update(cluster=None)), [])

    def test_what_is_missing_or_of_another_kind_is_found(self):
        """In the picture, a group, a replica and a figure."""
        self.assertTrue(self.found(lambda p: p.pop("reason")))
        self.assertTrue(self.found(lambda p: p.update(version=2)))
        self.assertTrue(self.found(lambda p: p.update(cluster="xyz")))
        self.assertTrue(self.found(lambda p: p["groups"][0].update(leader=9)))
        self.assertTrue(self.found(lambda p: p["groups"][0].update(can_lose=True)))
        self.assertTrue(self.found(lambda p: p["groups"][0]["replicas"][0].pop("lag_slots")))
        self.assertTrue(self.found(lambda p: p["groups"][0]["replicas"][0].update(state="fine")))
        self.assertTrue(self.found(lambda p: p["groups"][0]["replicas"][0]["figures"].update(a=[])))


if __name__ == "__main__":
    sys.exit(unittest.main())
