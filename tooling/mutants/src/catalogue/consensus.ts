/**
 * Bugs of Raft implementations that were published: in the paper's errata and the thesis, in etcd's, hashicorp's and
 * RabbitMQ's issues, in Jepsen's analyses. Each is hunted in groups of pure cores.
 */
import type { Mutant } from "../mutant.js";

const raft = "packages/consensus/src/protocol/raft";

type Bug = Omit<Mutant, "game" | "file"> & { readonly in: string };

const bugs: readonly Bug[] = [
  {
    name: "votes-before-it-is-written",
    in: "election.ts",
    edits: [
      {
        find: '    state.sendDurable(from, { type: "vote-reply", isPre, isGranted });\n',
        replace: '    state.send(from, { type: "vote-reply", isPre, isGranted });\n',
      },
    ],
    bug: "The vote is answered at once and written soon after: a crash between them forgets it.",
    breaks: "A member votes once a term, also when it is restarted (Figure 2).",
  },
  {
    name: "acknowledges-before-it-is-written",
    in: "replication.ts",
    edits: [
      {
        find: '    state.sendDurable(from, { type: "appended", index });\n',
        replace: '    state.send(from, { type: "appended", index });\n',
      },
    ],
    bug: "The disk is slow, so entries are acknowledged when they are in memory.",
    breaks: "What is committed is on a quorum of disks.",
  },
  {
    name: "counts-for-earlier-terms",
    in: "replication.ts",
    edits: [
      {
        find: "    if (index > state.commit && log.termAt(index) === state.term) state.commitTo(index);\n",
        replace: "    if (index > state.commit) state.commitTo(index);\n",
      },
    ],
    bug: "What a majority has is committed, whichever term it is of (Figure 8 of the paper).",
    breaks: "A committed entry is in the log of every later leader.",
  },
  {
    name: "leader-counts-its-memory",
    in: "replication.ts",
    edits: [
      {
        find: "      member === id ? outbox.durableIndex : (progress.get(member)?.match ?? 0),\n",
        replace: "      member === id ? log.lastIndex : (progress.get(member)?.match ?? 0),\n",
      },
    ],
    bug: "The leader counts itself for what it has appended, and syncs it in parallel.",
    breaks: "What is committed is on a quorum of disks.",
  },
  {
    name: "truncates-what-matches",
    in: "replication.ts",
    edits: [
      {
        find: "    const fresh = log.firstNew(entries);\n",
        replace: "    const fresh = entries[0];\n",
      },
    ],
    bug: "An append replaces everything behind its first entry, also when it is an old one that was late.",
    breaks: "A follower keeps what it has acknowledged (Figure 2, AppendEntries step 3).",
  },
  {
    name: "changes-before-the-first-entry",
    in: "changes.ts",
    edits: [
      {
        find: '    else if (!this.#isSettled || !isTermCommitted) this.#proposals.refuse(id, "change-pending");\n',
        replace: '    else if (!this.#isSettled) this.#proposals.refuse(id, "change-pending");\n',
      },
    ],
    bug: "A new leader changes members at once (Ongaro's erratum of 2015 to single-server changes).",
    breaks: "Majorities of configurations that may both be in use meet.",
  },
  {
    name: "changes-before-the-last-is-committed",
    in: "changes.ts",
    edits: [
      {
        find: "    return this.#state.configurations.index <= this.#state.commit;\n",
        replace: "    return this.#state.isTermCommitted;\n",
      },
    ],
    bug: "The next change of members begins while the one before is under way.",
    breaks: "At most one configuration is not committed (thesis, section 4.1).",
  },
  {
    name: "elected-by-the-new-members-alone",
    in: "quorum.ts",
    edits: [
      {
        find: "  if (configuration.outgoing.length === 0) return incoming;\n  const outgoing = majorityResult",
        replace:
          "  if (configuration.voters.length > 0) return incoming;\n  const outgoing = majorityResult",
      },
    ],
    bug: "In a joint configuration votes are counted among the new members only.",
    breaks: "A joint configuration needs a majority of both (Raft paper, section 6).",
  },
  {
    name: "commits-by-the-new-members-alone",
    in: "quorum.ts",
    edits: [
      {
        find: "  if (configuration.outgoing.length === 0) return incoming;\n  return Math.min(",
        replace: "  if (configuration.voters.length > 0) return incoming;\n  return Math.min(",
      },
    ],
    bug: "In a joint configuration acknowledgements are counted among the new members only.",
    breaks: "A joint configuration needs a majority of both (Raft paper, section 6).",
  },
  {
    name: "learners-are-counted",
    in: "quorum.ts",
    edits: [
      {
        find: "  const incoming = majorityReached(configuration.voters, reached);\n",
        replace:
          "  const incoming = majorityReached([...configuration.voters, ...configuration.learners], reached);\n",
      },
    ],
    bug: "Whoever receives the log is counted, learners too (RabbitMQ's ra #375, #427: non-voters that count).",
    breaks: "What is committed is on a majority of the voters.",
  },
  {
    name: "pre-vote-raises-the-term",
    in: "inbox.ts",
    edits: [
      {
        find: '      const isPre = (type === "vote" && message.isPre) || isPreGrant(message);\n',
        replace: "      const isPre = isPreGrant(message);\n",
      },
    ],
    bug: "A pre-vote is treated like a vote: whoever hears it enters the term it asks for.",
    breaks: "A member that cannot win disturbs nobody (thesis, section 9.6).",
  },
  {
    name: "votes-for-a-shorter-log",
    in: "log.ts",
    edits: [
      {
        find: "    return lastTerm > own || (lastTerm === own && lastIndex >= this.lastIndex);\n",
        replace: "    return lastTerm > own || lastIndex >= this.lastIndex;\n",
      },
    ],
    bug: "The longer log wins, whatever the terms of its end.",
    breaks: "A committed entry is in the log of every later leader (Raft paper, section 5.4.1).",
  },
  {
    name: "votes-twice-after-a-restart",
    in: "state.ts",
    edits: [{ find: "    this.vote = hardState.vote;\n", replace: "    this.vote = undefined;\n" }],
    bug: "The vote is on the disk and is not read again at the start.",
    breaks: "A member votes once a term, also when it is restarted (Figure 2).",
  },
  {
    name: "reads-before-its-first-commit",
    in: "reads.ts",
    edits: [
      {
        find: "    if (this.#own.length + this.#questions.length === 0 || !isTermCommitted) return;\n",
        replace: "    if (this.#own.length + this.#questions.length === 0) return;\n",
      },
    ],
    bug: "A new leader answers reads with the commit index it had as a follower (etcd-io/raft's first ReadIndex).",
    breaks: "A read sees every command that was committed before it was asked for.",
  },
  {
    name: "reads-without-a-round",
    in: "reads.ts",
    edits: [
      {
        find: "    if (leaseDriftMax === undefined || this.#isLeaseBroken) return false;\n",
        replace:
          "    if (this.#isLeaseBroken) return false;\n    if (leaseDriftMax === undefined) return this.#state.isTermCommitted;\n",
      },
    ],
    bug: "Who leads answers reads itself, without asking whether it still does (etcd before 0.5; Jepsen, 2014).",
    breaks: "A read sees every command that was committed before it was asked for.",
  },
  {
    name: "lease-outlives-a-transfer",
    in: "reads.ts",
    edits: [{ find: "    this.#isLeaseBroken = true;\n", replace: "" }],
    bug: "A leader that asked another one to campaign goes on reading by its lease (etcd-io/raft #99).",
    breaks: "A read sees every command that was committed before it was asked for.",
    missed: "the race is rare: it takes some 730 worlds (--seeds 300 --budget 120)",
  },
  {
    name: "lease-nobody-keeps",
    in: "election.ts",
    edits: [
      {
        find: '    return role === "leader" || now - leaderHeardAt < times.electionMs;\n',
        replace: '    return role === "leader" && now - leaderHeardAt < times.electionMs;\n',
      },
    ],
    bug: "Leases are read by, and voters elect another leader before they have run out (check-quorum off).",
    breaks: "While a lease lasts nobody else is elected (thesis, section 6.4.1).",
  },
  {
    name: "read-contexts-collide",
    in: "reads.ts",
    edits: [
      {
        find: "    const reads = boot === this.#boot ? this.#asked.get(sequence) : undefined;\n",
        replace: '    const reads = boot === "" ? undefined : this.#asked.get(sequence);\n',
      },
    ],
    bug: "A member numbers its questions from 1 after each start, and takes an old answer for a new one (etcd #20418).",
    breaks: "A read sees every command that was committed before it was asked for.",
  },
  {
    name: "snapshot-over-a-newer-log",
    in: "snapshot-receiving.ts",
    edits: [
      {
        find: "    if (snapshot.index <= state.commit) {\n",
        replace: "    if (snapshot.index < (state.snapshot?.index ?? 0)) {\n",
      },
      {
        find: '    invariant(snapshot.index > state.commit, "a snapshot would take the state machine back");\n',
        replace: "",
      },
    ],
    bug: "A snapshot that arrives is installed, also a late one behind which the log has gone on.",
    breaks: "The state machine never goes back (Figure 13, step 6).",
  },
  {
    name: "sessions-not-in-the-snapshot",
    in: "../sessions/session-table.ts",
    edits: [
      {
        find: "      this.#sessions.set(id, { activeMs, answeredBelow, responses: new Map(responses) });\n",
        replace:
          "      this.#sessions.set(id, { activeMs, answeredBelow, responses: new Map() });\n",
      },
    ],
    bug: "The snapshot has the sessions of clients and not what they were answered (thesis, section 6.3).",
    breaks: "A command that is sent again takes effect once.",
  },
  {
    name: "refuses-what-may-be-committed",
    in: "proposals.ts",
    edits: [
      {
        find: "    this.#former.push(...this.#current);\n",
        replace: '    for (const { id } of this.#current) this.refuse(id, "not-leader");\n',
      },
    ],
    bug: 'A leader that steps down tells its clients that their commands were not applied (etcd\'s "leader changed").',
    breaks: "What was told not applied is never applied.",
  },
  {
    name: "heartbeat-commits-too-much",
    in: "reads.ts",
    edits: [
      {
        find: "      const told = Math.min(match, commit);\n",
        replace: "      const told = Math.max(Math.min(match, commit), commit);\n",
      },
    ],
    bug: "A heartbeat carries the leader's commit index, whatever the follower is known to have.",
    breaks: "No two members apply different entries at one index.",
  },
  {
    name: "transfers-to-a-shorter-log",
    in: "handover.ts",
    edits: [
      {
        find: "    if (underway.isAsked || progress.get(underway.to)?.match !== log.lastIndex) return;\n",
        replace:
          "    if (underway.isAsked || log.lastIndex === 0 || !progress.has(underway.to)) return;\n",
      },
    ],
    bug: "The target of a transfer is asked to campaign before it has the leader's log.",
    breaks: "A transfer brings the target's log up to the leader's first (thesis, section 3.10).",
  },
  {
    name: "old-write-vouches-for-a-new-entry",
    in: "outbox.ts",
    edits: [
      {
        find: "    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, index);\n",
        replace: "",
      },
    ],
    bug: "The acknowledgement of a write counts for what has replaced its entries since (etcd-io/raft's ABA of async writes).",
    breaks: "What is committed is on a quorum of disks.",
  },
  {
    name: "leads-with-a-stalled-disk",
    in: "raft.ts",
    edits: [{ find: ' timers.ensure("disk", diskStallsAt);\n', replace: " {}\n" }],
    bug: "A leader whose disk stands still goes on beating, so nobody else is elected (hashicorp/raft #503, #612).",
    breaks: "A leader whose disk stands still steps down.",
  },
  {
    name: "leads-without-a-quorum",
    in: "leadership.ts",
    edits: [
      {
        find: '    if (result === "won") timers.set(',
        replace: "    if (result !== undefined) timers.set(",
      },
    ],
    bug: "A leader that hears nobody leads on, and its clients wait for it.",
    breaks:
      "A leader steps down when it hears no quorum for an election timeout (thesis, section 6.2).",
  },
];

export const consensusMutants: readonly Mutant[] = bugs.map(({ in: file, ...bug }) => {
  const path = file.startsWith("../")
    ? `${raft.slice(0, raft.lastIndexOf("/"))}${file.slice(2)}`
    : `${raft}/${file}`;
  return { ...bug, file: path, game: "consensus" };
});
