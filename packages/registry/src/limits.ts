/**
 * Every limit of the registry, with its name: what happens at each is said here and counted.
 */
/** Limits of one registry; each has a default. */
export interface RegistryLimits {
  /** Bytes of a name in UTF-8. A longer one is refused: ERR_NAME_INVALID. @default 255 */
  readonly nameBytesMax: number;
  /** Local calls waiting for a reply. One more is refused: ERR_QUEUE_FULL. @default 100_000 */
  readonly pendingCallsMax: number;
  /** Locations learnt from replies before the claim itself arrived; the oldest goes. @default 10_000 */
  readonly hintsMax: number;
  /** Milliseconds such a location is believed without its claim. @default 30_000 */
  readonly hintMs: number;
  /** Names of definitions that all claims share; of more each claim has its own text. @default 10_000 */
  readonly sharedTextsMax: number;
  /** Restarts of one child within `restartsWithinMs`; one more marks it failed. @default 3 */
  readonly restartsMax: number;
  /** The window of `restartsMax`, in milliseconds. @default 5_000 */
  readonly restartsWithinMs: number;
  /** Milliseconds between two checks that every child runs where its spec says. @default 5_000 */
  readonly sweepIntervalMs: number;
  /** Milliseconds a child gets to end before it is killed. @default 5_000 */
  readonly stopGraceMs: number;
  /** Milliseconds a call, a start or a stop waits unless it says otherwise. @default 5_000 */
  readonly timeoutMs: number;
  /** Takeovers that run at once; the others wait their turn. @default 64 */
  readonly startsAtOnceMax: number;
  /** Children of one supervisor of a tree. One more is refused: ERR_QUEUE_FULL. @default 10_000 */
  readonly treeChildrenMax: number;
  /** Supervisors one above the other in a tree. @default 8 */
  readonly treeDepthMax: number;
  /** Milliseconds one child of a tree has for its first start. @default 30_000 */
  readonly treeStartMs: number;
  /** Milliseconds until a step of a tree that could not be taken is tried again. @default 200 */
  readonly treeRetryMs: number;
  /** Milliseconds a child is kept whose tree no node knows: all that knew it died. Then it is stopped. @default 60_000 */
  readonly treeUnknownMs: number;
  /** Trees that did not start or gave up here, remembered for who asks why; the oldest goes. @default 1_000 */
  readonly treeFailuresMax: number;
  /** Bytes of one kept snapshot. A larger one is refused: ERR_VALUE_TOO_LARGE. @default 524_288 */
  readonly snapshotBytesMax: number;
  /** Children looked at in one turn of the event loop; the others in the next ones. @default 1_000 */
  readonly looksAtOnceMax: number;
  /** Watched processes of other nodes. One more is refused: ERR_QUEUE_FULL. @default 100_000 */
  readonly monitorsMax: number;
  /** Ended processes one message tells a watching node of; the others follow. @default 500 */
  readonly noticesAtOnceMax: number;
  /** Milliseconds until a watcher that did not answer is told again. @default 1_000 */
  readonly noticeRetryMs: number;
  /** Watching nodes remembered that seem to be gone, to be told when they were not; the oldest goes. @default 1_000 */
  readonly forgottenWatchersMax: number;
  /** Milliseconds the name store gets to answer; then this node counts as cut off from it. @default 3_000 */
  readonly storeTimeoutMs: number;
  /** Milliseconds until a name store that did not answer is asked again. @default 1_000 */
  readonly storeRetryMs: number;
  /** Milliseconds between one candidate for a free strong name and the next. @default 500 */
  readonly claimStepMs: number;
  /**
   * Milliseconds a quorum must be there, and the owner gone, before a quorum-guarded child is started because of it: more
   * than detections of one cut can differ and a child takes to end. @default 10_000
   */
  readonly quorumGraceMs: number;
  /** Owners remembered that are gone, for how long; the oldest goes, and counts as gone just now. @default 10_000 */
  readonly absencesMax: number;
  /** Moves of children that one node sends away at once. One more is refused: ERR_NOT_MOVED. @default 1_000 */
  readonly movesAtOnceMax: number;
  /** Copies of moving children that wait on one node for their commit. One more is refused. @default 1_000 */
  readonly passiveCopiesMax: number;
  /** Milliseconds from a copy's leaving until its commit; later the move is given up. @default 10_000 */
  readonly commitWithinMs: number;
  /** Milliseconds a copy waits for word of its commit, more than `commitWithinMs`; then it is dropped. @default 30_000 */
  readonly passiveHoldMs: number;
  /** Milliseconds a committed copy waits for the rest of its mailbox; then it begins. @default 2_000 */
  readonly handOverMs: number;
  /** Bytes of a state that travel inside the request; a larger one is streamed on the channel `data`. @default 65_536 */
  readonly inlineStateBytesMax: number;
  /** Bytes of a state that can be moved at all. A larger one is refused: ERR_NOT_MOVED. @default 67_108_864 */
  readonly stateBytesMax: number;
  /** Steps a move's `progress` holds for a slow reader before the oldest is dropped. @default 100 */
  readonly stepsBuffer: number;
  /** Milliseconds the old node goes on naming a moved process, until every node knows the new one. @default 5_000 */
  readonly nameLingerMs: number;
  /** Moved processes whose new place this node remembers; the oldest is forgotten first. @default 10_000 */
  readonly successorsMax: number;
  /** Earlier places of a moved process whose calls are answered before its end is told; older ones are not. @default 8 */
  readonly earlierPlacesMax: number;
  /** Milliseconds the loser of a name has to hand its state to the winner; then it ends all the same. @default 5_000 */
  readonly conflictMs: number;
  /** Milliseconds until a winner that could not take the loser's state yet is asked again. @default 100 */
  readonly conflictRetryMs: number;
  /** Children that one rebalancing moves at most; the next one moves the others. @default 10_000 */
  readonly rebalanceMovesMax: number;
  /** Milliseconds after which a rebalancing that says nothing more keeps others off no longer. @default 60_000 */
  readonly rebalancePermitMs: number;
  /** Events a `watch` holds for a slow reader before the oldest is dropped. @default 1_000 */
  readonly watchBuffer: number;
  /** Groups with members, in the whole cluster. A join to one more is refused: ERR_GROUP_FULL. @default 100_000 */
  readonly groupsMax: number;
  /** Members of one group. One more is refused: ERR_GROUP_FULL. @default 100_000 */
  readonly groupMembersMax: number;
  /** Instances of services that this node offers. One more is refused: ERR_QUEUE_FULL. @default 1_000 */
  readonly servicesMax: number;
  /** Requests that one instance works on at once, unless it says otherwise; the others wait. @default 1_000 */
  readonly serviceConcurrency: number;
  /** Requests that wait for one instance. One more is refused: ERR_BULKHEAD_FULL. @default 1_000 */
  readonly serviceQueueMax: number;
  /** Milliseconds an instance that is taken away gets to answer what it works on. @default 5_000 */
  readonly serviceGraceMs: number;
  /** Ecosystems of the whole cluster. A start of one more is refused: ERR_QUEUE_FULL. @default 1_000 */
  readonly ecosystemsMax: number;
  /** Workers of one ecosystem, of all kinds together. More are refused: ERR_INVALID_ARGUMENT. @default 1_000 */
  readonly ecosystemWorkersMax: number;
  /** Milliseconds between two starts of a missing member of an ecosystem, doubled each time in a row. @default 5_000 */
  readonly ecosystemHealMs: number;
  /** @default 300_000 */
  readonly ecosystemHealMaxMs: number;
  /** Requests of this node to services that wait for an answer. One more: ERR_BULKHEAD_FULL. @default 10_000 */
  readonly routedMax: number;
}

/** Numbers by which instances of services leave and come back; each has a default. */
export interface BalancingRules {
  /** A circuit opens when more than this share of the last `circuitWindow` requests failed. @default 0.5 */
  readonly circuitFailureShare: number;
  readonly circuitWindow: number;
  /** Requests it takes at least. @default 5, of a window of 20 */
  readonly circuitRequestsMin: number;
  /** Milliseconds a circuit stays open, doubled each time in a row up to `circuitOpenMaxMs`. @default 5_000 */
  readonly circuitOpenMs: number;
  /** @default 60_000 */
  readonly circuitOpenMaxMs: number;
  /** An instance is slow that takes more than this many times the median of the others. @default 3 */
  readonly slowFactor: number;
  /** Answers between two reviews without which nobody is judged. @default 10 */
  readonly slowSamplesMin: number;
  /** Milliseconds that are never slow. @default 10 */
  readonly slowFloorMs: number;
  /** The share of instances that may be out at once for slowness; of two or more, one always may. @default 0.34 */
  readonly slowShareMax: number;
  /** Milliseconds between two reviews. @default 5_000 */
  readonly reviewMs: number;
  /** Milliseconds a slow one is left alone, doubled each time in a row up to `slowMaxMs`. @default 10_000 */
  readonly slowMs: number;
  /** @default 300_000 */
  readonly slowMaxMs: number;
  /** Milliseconds until an instance that came back gets its whole share. @default 10_000 */
  readonly slowStartMs: number;
  /** What it gets of its share at once. @default 0.1 */
  readonly slowStartShare: number;
  /** Milliseconds after which a latency counts for a third. @default 10_000 */
  readonly latencyDecayMs: number;
  /** Retries of a service as a share of its requests. @default 0.2 */
  readonly retryShare: number;
  /** Retries allowed before any request earned them. @default 10 */
  readonly retryReserve: number;
}

/** How long a strong name stays with a node that has died, in milliseconds: between these. */
export const leaseTtl = { defaultMs: 10_000, minMs: 1_000, maxMs: 600_000 } as const;

/** The limits used where `createRegistry` is given none. */
export const defaultLimits: RegistryLimits = {
  nameBytesMax: 255,
  pendingCallsMax: 100_000,
  hintsMax: 10_000,
  hintMs: 30_000,
  sharedTextsMax: 10_000,
  restartsMax: 3,
  restartsWithinMs: 5_000,
  sweepIntervalMs: 5_000,
  stopGraceMs: 5_000,
  timeoutMs: 5_000,
  startsAtOnceMax: 64,
  treeChildrenMax: 10_000,
  treeDepthMax: 8,
  treeStartMs: 30_000,
  treeRetryMs: 200,
  treeUnknownMs: 60_000,
  treeFailuresMax: 1_000,
  snapshotBytesMax: 524_288,
  looksAtOnceMax: 1_000,
  monitorsMax: 100_000,
  noticesAtOnceMax: 500,
  noticeRetryMs: 1_000,
  forgottenWatchersMax: 1_000,
  storeTimeoutMs: 3_000,
  storeRetryMs: 1_000,
  claimStepMs: 500,
  quorumGraceMs: 10_000,
  absencesMax: 10_000,
  movesAtOnceMax: 1_000,
  passiveCopiesMax: 1_000,
  commitWithinMs: 10_000,
  passiveHoldMs: 30_000,
  handOverMs: 2_000,
  inlineStateBytesMax: 65_536,
  stateBytesMax: 67_108_864,
  stepsBuffer: 100,
  nameLingerMs: 5_000,
  successorsMax: 10_000,
  earlierPlacesMax: 8,
  conflictMs: 5_000,
  conflictRetryMs: 100,
  rebalanceMovesMax: 10_000,
  rebalancePermitMs: 60_000,
  watchBuffer: 1_000,
  groupsMax: 100_000,
  groupMembersMax: 100_000,
  servicesMax: 1_000,
  serviceConcurrency: 1_000,
  serviceQueueMax: 1_000,
  serviceGraceMs: 5_000,
  routedMax: 10_000,
  ecosystemsMax: 1_000,
  ecosystemWorkersMax: 1_000,
  ecosystemHealMs: 5_000,
  ecosystemHealMaxMs: 300_000,
};

/** The rules used where `createRegistry` is given none. */
export const defaultBalancing: BalancingRules = {
  circuitFailureShare: 0.5,
  circuitWindow: 20,
  circuitRequestsMin: 5,
  circuitOpenMs: 5_000,
  circuitOpenMaxMs: 60_000,
  slowFactor: 3,
  slowSamplesMin: 10,
  slowFloorMs: 10,
  slowShareMax: 0.34,
  reviewMs: 5_000,
  slowMs: 10_000,
  slowMaxMs: 300_000,
  slowStartMs: 10_000,
  slowStartShare: 0.1,
  latencyDecayMs: 10_000,
  retryShare: 0.2,
  retryReserve: 10,
};
