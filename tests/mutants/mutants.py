"""One-line breakages of the protocol, each of which the simulator must notice.

A mutant is (name, file, old text, new text). The old text must occur exactly once in the file, so a
mutant that no longer fits the code is an error, never a silent pass. The names up to `session table
ignored` are the ones the project promises from its first day on.
"""

MUTANTS = [
    ("reply before durable", "smr/paxos/acceptor.c",
     "answer(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_ACCEPTED, m)",
     "answer(self, out, SMR_SEND, WIRE_MESSAGE_ACCEPTED, m)"),
    ("promise before durable", "smr/paxos/acceptor.c",
     "answer(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_PROMISE, m)",
     "answer(self, out, SMR_SEND, WIRE_MESSAGE_PROMISE, m)"),
    ("forgotten promise", "smr/paxos/acceptor.c",
     "    self->hard.promised = ballot;\n    acceptor_put_state(self, out);\n",
     "    self->hard.promised = ballot;\n"),
    ("stale vote counted", "smr/paxos/proposer_leading.c",
     "if (!ballot_equal(m->accepted.ballot, self->ballot) || !in_flight(self, m->accepted.slot)) {",
     "if (!in_flight(self, m->accepted.slot)) {"),
    ("read before the own no-op is applied", "smr/paxos/proposer_reads.c",
     "    if (self->chosen < self->opening_slot)\n        return;\n", ""),
    ("session table ignored", "smr/applier.c",
     "    case SMR_CALL_REPEAT:\n        self->counters.repeats_answered++;\n"
     "        *answer = buf_ref(kept.body);\n        return kept.status;\n",
     "    case SMR_CALL_REPEAT:\n        self->counters.repeats_answered++;\n"
     "        return run_machine(self, moment, command->body, answer);\n"),
    ("accept below the promise", "smr/paxos/acceptor.c",
     "    wire_slot slot = m->accept.slot;\n    if (ballot_less(ballot, self->hard.promised)) {",
     "    wire_slot slot = m->accept.slot;\n    if (false) {"),
    ("prepare below the promise", "smr/paxos/acceptor.c",
     "    struct wire_ballot ballot = m->prepare.ballot;\n"
     "    if (ballot_less(ballot, self->hard.promised)) {",
     "    struct wire_ballot ballot = m->prepare.ballot;\n    if (false) {"),
    ("commit notice applied to a value of another ballot", "smr/paxos/learner.c",
     "if (error != WIRE_OK || (!entry->learned && !ballot_equal(entry->ballot, ballot))) {",
     "if (error != WIRE_OK) {"),
    ("lowest ballot recovered instead of the highest", "smr/paxos/proposer_election.c",
     "(!p->reported_chosen && ballot_less(p->reported, entry->ballot));",
     "(!p->reported_chosen && ballot_less(entry->ballot, p->reported));"),
    ("reported values ignored", "smr/paxos/proposer_election.c",
     "    if (!better)\n        return;\n", "    return;\n"),
    ("minority elects", "smr/paxos/proposer_election.c",
     "if (self->state == PROPOSER_PREPARING && proposer_is_majority(self, promised_bits(self)))",
     "if (self->state == PROPOSER_PREPARING)"),
    ("minority chooses", "smr/paxos/proposer_leading.c",
     "    if (proposer_is_majority(self, p->votes)) {\n        p->chosen = true;",
     "    {\n        p->chosen = true;"),
    ("read without asking a majority", "smr/paxos/proposer_reads.c",
     "    if (!proposer_is_majority(self, self->read_acks))\n        return;\n", ""),
    ("read confirmed by an older round", "smr/paxos/proposer_reads.c",
     "    if (self->read_round == 0 || round < self->read_round)\n        return;\n",
     "    if (self->read_round == 0)\n        return;\n"),
    ("read answered before its index is applied", "smr/applier.c",
     "    if (message->read_at.index <= self->applied) {", "    if (true) {"),
    ("heartbeat acknowledged below the promise", "smr/paxos/acceptor.c",
     "    struct wire_ballot ballot = m->heartbeat.ballot;\n"
     "    if (ballot_less(ballot, self->hard.promised)) {",
     "    struct wire_ballot ballot = m->heartbeat.ballot;\n    if (false) {"),
    ("ballot spoken before it is durable", "smr/paxos/proposer_election.c",
     "    send_prepare(self, self->self.replica, out);\n}",
     "    for (wire_replica i = 0; i < self->replica_count; i++)\n"
     "        send_prepare(self, i, out);\n}"),
    ("applier skips a gap", "smr/applier.c",
     "        self->counters.applier_gaps++;\n        return;", "        self->counters.applier_gaps++;"),
    ("holes left by a new leader", "smr/paxos/proposer_leading.c",
     "    for (wire_slot slot = self->base; slot < self->next; slot++) {\n"
     "        struct proposal *p = proposer_place(self, slot);\n"
     "        struct buf *value = p->batch;",
     "    for (wire_slot slot = self->base; slot < self->next; slot++) {\n"
     "        struct proposal *p = proposer_place(self, slot);\n"
     "        if (p->batch == NULL)\n            continue;\n"
     "        struct buf *value = p->batch;"),
    ("promise of part of the log taken for a promise of all", "smr/paxos/acceptor.c",
     "    wire_slot through = acceptor_list(self, from, self->highest, false, &damaged, out);",
     "    wire_slot through = acceptor_list(self, from + 1, self->highest, false, &damaged, out);"),
    ("damaged record taken for absent", "smr/paxos/acceptor_slots.c",
     "    if (error == WIRE_DAMAGED)\n        self->counters.damaged_slots++;\n",
     "    if (error == WIRE_DAMAGED) {\n        self->counters.damaged_slots++;\n"
     "        return WIRE_NOT_FOUND;\n    }\n"),
    ("message of an earlier life let in, and vote counted twice", "smr/paxos/proposer_leading.c",
     "    p->votes |= 1u << from;\n    if (proposer_is_majority(self, p->votes)) {",
     "    p->votes = p->votes << 1 | 1;\n    if (proposer_is_majority(self, p->votes)) {"),
    ("answered call applied again", "smr/session.c",
     "    if (number < s->lowest)\n        return SMR_CALL_STALE;\n",
     "    if (number < s->lowest)\n        return SMR_CALL_FRESH;\n"),
]
