/** The parts of a running member, and how they are joined. */
import { Deadlines, type Logger, type NodeId, type Runtime } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { RAFT_TIMES, type GroupLimits, type GroupTimes, type RaftLimits } from "../limits.js";
import type { Entry, SnapshotMeta } from "../protocol/raft/entry.js";
import type { RaftCounter, RaftNotice, RaftStatus } from "../protocol/raft/inputs.js";
import { Raft } from "../protocol/raft/raft.js";
import type { DurableLog } from "../storage/durable-log.js";
import { Applier, type Standing } from "./applier.js";
import { Disk } from "./disk.js";
import { Driver, type DriverEvents } from "./driver.js";
import { Errands } from "./errands.js";
import { Forwards } from "./forwards.js";
import type { GroupLink } from "./link.js";
import { LogTime } from "./log-time.js";
import type { GroupOptions } from "./open-group.js";
import { Proposer } from "./proposer.js";
import { Reader } from "./reader.js";
import { Snapshotter } from "./snapshotter.js";
import type { StateMachine } from "./state-machine.js";
import { Ticker } from "./ticker.js";
import { TAG_BYTES } from "./wire/format.js";
import type { PeerMessage } from "./wire/peer-message.js";

export interface MemberOptions<Response> {
  readonly group: string;
  readonly link: GroupLink;
  readonly machine: StateMachine<Response>;
  readonly log: DurableLog;
  readonly runtime: Runtime;
  readonly limits: GroupLimits;
  readonly times: GroupTimes;
  readonly raftLimits: RaftLimits;
  readonly raft: NonNullable<GroupOptions<Response>["raft"]>;
  /** What the log holds behind its snapshot. */
  readonly entries: readonly Entry[];
  /** Of the snapshot. */
  readonly sizeBytes: number;
}

export interface MemberParts<Response> {
  readonly time: LogTime;
  readonly disk: Disk;
  readonly driver: Driver;
  readonly applier: Applier<Response>;
  readonly proposer: Proposer<Response>;
  readonly forwards: Forwards;
  readonly reader: Reader;
  readonly errands: Errands;
  readonly ticker: Ticker;
  readonly snapshotter: Snapshotter;
  readonly electionMs: number;
}

/** What the parts tell the member. */
export interface MemberEvents {
  send(to: NodeId, message: PeerMessage): boolean;
  applied(index: number, sizeBytes: number): void;
  installed(meta: SnapshotMeta): void;
  status(status: RaftStatus): void;
  notice(notice: RaftNotice): void;
  count(counter: RaftCounter): void;
  snapshotTaken(): void;
  failed(error: unknown): void;
}

export function assemble<Response>(
  options: MemberOptions<Response>,
  logger: Logger,
  events: MemberEvents,
): MemberParts<Response> {
  const { group, machine, log, runtime, limits, times, raftLimits, raft } = options;
  const { clock } = runtime;
  // Where chance is seeded, no two starts may draw the same tag.
  const start = `${options.link.self}/${log.hardState.term}/${log.lastIndex}`;
  const random = runtime.random.fork(`consensus/${group}/${start}`);
  const tag = tagOf(random);
  const time = new LogTime(clock.now());
  const { failed, installed } = events;
  const disk = new Disk(
    log,
    {
      installed,
      failed,
      feed(input) {
        driver.feed(input);
        snapshotter.wake();
      },
    },
    logger,
  );
  const core = coreOf(options, disk, random);
  const driver: Driver = new Driver(
    core,
    clock,
    disk,
    driverEvents(events, () => parts),
  );
  const deadlines = new Deadlines(clock);
  const base = { group, tag, clock, deadlines, driver, disk, time, limits, raftLimits, times };
  const send: SendShell = (to, message) => events.send(to, { kind: "shell", message });
  const proposer = new Proposer<Response>({ ...base, send });
  const standing = standingOf(runtime, driver);
  const applier = new Applier<Response>(
    machine,
    time,
    tag,
    applierEvents(proposer, events),
    standing,
  );
  const snapshotter: Snapshotter = new Snapshotter(
    {
      ...base,
      logger,
      failed,
      standing: () =>
        applier.isLoading ? undefined : { index: applier.index, timeMs: time.appliedMs },
      pieces: () => machine.snapshot(),
      core: () => driver.raft,
      feed: (input) => driver.feed(input),
      taken: () => events.snapshotTaken(),
    },
    options.sizeBytes,
  );
  const parts: MemberParts<Response> = {
    time,
    disk,
    driver,
    applier,
    proposer,
    snapshotter,
    forwards: new Forwards({ ...base, send }),
    errands: new Errands({ ...base, send }),
    reader: new Reader({
      ...base,
      appliedIndex: () => (applier.isLoading ? undefined : applier.index),
    }),
    ticker: new Ticker({ ...base, wakeAt: () => machine.wakeAt?.() }),
    electionMs: raft.times?.electionMs ?? RAFT_TIMES.electionMs,
  };
  return parts;
}

type SendShell = (
  to: NodeId,
  message: Extract<PeerMessage, { kind: "shell" }>["message"],
) => boolean;

/** Of most outcomes the first asked is the one it is for. */
function driverEvents<Response>(
  events: MemberEvents,
  parts: () => MemberParts<Response>,
): DriverEvents {
  return {
    send: (message) => events.send(message.to, { kind: "raft", message }),
    holding: (meta) => parts().applier.hold(meta),
    committed: (entries) => parts().applier.apply(entries),
    outcome(outcome) {
      const { proposer, forwards, ticker, errands } = parts();
      if (proposer.outcome(outcome) || forwards.outcome(outcome)) return;
      if (!ticker.outcome(outcome)) errands.outcome(outcome);
    },
    read: (outcome) => parts().reader.outcome(outcome),
    status: (status) => events.status(status),
    notice: (notice) => events.notice(notice),
    count: (counter) => events.count(counter),
    failed: (error) => events.failed(error),
  };
}

function applierEvents<Response>(proposer: Proposer<Response>, events: MemberEvents) {
  return {
    own: (sequence: number, index: number, response: Response) =>
      proposer.applied(sequence, index, response),
    term: (term: number) => proposer.termApplied(term),
    applied: (index: number, sizeBytes: number) => events.applied(index, sizeBytes),
    restored: (meta: SnapshotMeta) => proposer.restored(meta),
  };
}

function standingOf({ clock }: Runtime, driver: Driver): Standing {
  return {
    now: () => clock.now(),
    get isLeader() {
      return driver.isLeader;
    },
  };
}

function coreOf<Response>(options: MemberOptions<Response>, disk: Disk, random: Random): Raft {
  const { group, link, log, entries, raft } = options;
  const staged = disk.resume();
  const { hardState, snapshot } = log;
  return new Raft({
    ...raft,
    id: link.self,
    group,
    random,
    recovered: { hardState, entries, ...(snapshot && { snapshot }), ...(staged && { staged }) },
  });
}

/** Names this start of this member among all that may ever propose to the group. */
function tagOf(random: Random): Uint8Array {
  const tag = new Uint8Array(TAG_BYTES);
  const view = new DataView(tag.buffer);
  for (let at = 0; at < TAG_BYTES; at += 4) view.setUint32(at, random.uint32());
  return tag;
}
