/** Every limit and interval of @foundation/consensus, with its name. Options may change those of a group. */

/** The times of a group. They must be equal on every member: a vote relies on its voters' clocks. */
export interface RaftTimes {
  /** Between two heartbeats of a leader, milliseconds. */
  readonly heartbeatMs: number;
  /**
   * A follower that hears nothing for this long (up to twice as long, drawn at random) campaigns; a
   * voter that heard its leader less long ago refuses; a leader that hears no quorum for this long
   * steps down. At least three heartbeats.
   */
  readonly electionMs: number;
  /** A leader whose oldest write is unacknowledged for this long steps down. */
  readonly diskStallMs: number;
  /** How long a proposal of a lost leadership waits for its fate before it is called unknown. */
  readonly outcomeMs: number;
  /** How long a read waits for a leader, its quorum and the state machine before it is refused. */
  readonly readMs: number;
  /** A chunk of a snapshot, and a read sent to the leader, are asked for again after this long. */
  readonly retryMs: number;
}

/** For one data centre. */
export const RAFT_TIMES: RaftTimes = {
  heartbeatMs: 100,
  electionMs: 500,
  diskStallMs: 2_000,
  outcomeMs: 5_000,
  readMs: 10_000,
  retryMs: 500,
};

/** The limits of a group. */
export interface RaftLimits {
  /** Size of one command; a larger one is refused. */
  readonly commandBytesMax: number;
  /** Members of all kinds in one configuration; a change that needs more is refused. */
  readonly membersMax: number;
  /** Size at which a leader takes no more commands until some are committed. */
  readonly uncommittedBytesMax: number;
  /** Commands whose outcome is not known yet; more are refused. */
  readonly proposalsMax: number;
  /** An append message is closed when its entries' size reaches this. */
  readonly appendBytesAim: number;
  /** Entries of one append message; more are malformed. */
  readonly appendEntriesMax: number;
  /** Unanswered append messages to one follower. */
  readonly inflightMessagesMax: number;
  /** Size of the unanswered append messages to one follower. */
  readonly inflightBytesMax: number;
  /** A batch hands entries out for application until their size reaches this. */
  readonly applyBytesAim: number;
  /** Entries handed out and not yet reported as applied. */
  readonly applyEntriesMax: number;
  /** Reads of this node that wait, and separately those other members asked for; more are refused. */
  readonly readsMax: number;
  /** Rounds of heartbeats for reads that are unanswered; later reads share the next one. */
  readonly readRoundsMax: number;
  /** Size of one chunk of a snapshot; larger ones are malformed. */
  readonly chunkBytesMax: number;
  /** Rounds of replication after which a learner that does not catch up is reported as slow. */
  readonly catchUpRoundsMax: number;
}

export const RAFT_LIMITS: RaftLimits = {
  commandBytesMax: 1_048_576,
  membersMax: 64,
  uncommittedBytesMax: 67_108_864,
  proposalsMax: 65_536,
  appendBytesAim: 262_144,
  appendEntriesMax: 4_096,
  inflightMessagesMax: 256,
  inflightBytesMax: 16_777_216,
  applyBytesAim: 1_048_576,
  applyEntriesMax: 65_536,
  readsMax: 65_536,
  readRoundsMax: 8,
  chunkBytesMax: 262_144,
  catchUpRoundsMax: 10,
};

/** What an entry is counted with beside its data, so that empty ones are bounded too. */
export const ENTRY_OVERHEAD_BYTES = 32;

/**
 * Messages that wait for one write; those beyond it are dropped like lost ones, and asked for again.
 * Only a disk that stands still for minutes gathers so many.
 */
export const HELD_MESSAGES_MAX = 4_096;

/** Length of a group's id and of a snapshot's. */
export const ID_LENGTH_MAX = 128;

/** Limits of the sessions of a group; part of the replicated state, so equal on every member. */
export interface SessionLimits {
  /** Open sessions; one more closes the one that was silent longest. */
  readonly sessionsMax: number;
  /** Answers kept for one session; a command beyond them is refused until some are acknowledged. */
  readonly responsesMax: number;
  /** A session silent for this long in the log's time is closed, milliseconds. */
  readonly ttlMs: number;
}

export const SESSION_LIMITS: SessionLimits = {
  sessionsMax: 10_000,
  responsesMax: 256,
  ttlMs: 60_000,
};

/** The times of a running member's own. */
export interface GroupTimes {
  /** How long a request waits unless its caller says otherwise, milliseconds. */
  readonly requestMs: number;
  /** A request that was refused for now is tried again after this long, milliseconds. */
  readonly retryMs: number;
  /** A command that was sent to the leader and is not applied is sent again after this long. */
  readonly repeatMs: number;
}

export const GROUP_TIMES: GroupTimes = { requestMs: 5_000, retryMs: 50, repeatMs: 500 };

/** The limits of a running member. */
export interface GroupLimits {
  /** Proposals, reads and errands of this member that wait, each; more are refused. */
  readonly requestsMax: number;
  /** Size of the proposals of this member that wait; more are refused. */
  readonly requestBytesMax: number;
  /** Size of what this leader's disk has not acknowledged, above which it takes no more commands. */
  readonly unpersistedBytesMax: number;
  /** A snapshot is taken when so much was applied since the last one; more if that one was larger. */
  readonly snapshotLogBytes: number;
  /** And at the latest when so much was applied. */
  readonly snapshotLogBytesMax: number;
  /** Commands that other members sent to this leader and whose fate is open; more are refused. */
  readonly forwardsMax: number;
  /** Changes of status that a watcher may be behind; the oldest are given up. */
  readonly statusBuffer: number;
}

export const GROUP_LIMITS: GroupLimits = {
  requestsMax: 65_536,
  requestBytesMax: 67_108_864,
  unpersistedBytesMax: 33_554_432,
  snapshotLogBytes: 16_777_216,
  snapshotLogBytesMax: 268_435_456,
  forwardsMax: 65_536,
  statusBuffer: 64,
};

/**
 * Size of what may wait for a member's disk before the member gives up: a leader stops far below, at
 * `unpersistedBytesMax`, and each leader sends a follower no more than `inflightBytesMax`.
 */
export const UNWRITTEN_BYTES_MAX = 268_435_456;

/** Bytes of a snapshot that are read, or made, before the event loop gets a turn. */
export const SNAPSHOT_STEP_BYTES = 262_144;

/** Batches a member carries out before the event loop gets a turn. */
export const BATCHES_A_TURN_MAX = 4;
