/**
 * Member: a running member of a group: what its callers, its peers and its disk do meets here.
 *
 * It stops for good when its disk takes no more writes, when the machine throws, or when an
 * invariant breaks: the group goes on without it, and whoever stands on it is told why.
 */
import { boundedStream, isFoundationError, type BoundedStream } from "@foundation/core";
import type { Logger, NodeId } from "@foundation/core";
import type { MemberChange } from "../protocol/raft/configuration.js";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import type { RaftNotice, RaftStatus } from "../protocol/raft/inputs.js";
import { groupClosed, memberFailed } from "./group-errors.js";
import { GroupMetrics } from "./group-metrics.js";
import type { Group, GroupRequestOptions, GroupStatus, Proposed } from "./group.js";
import { assemble, type MemberOptions, type MemberParts } from "./member-parts.js";
import { machineBytes, readHead } from "./snapshot-format.js";
import { decode } from "./wire/decode.js";
import { encodeRaft, encodeShell } from "./wire/encode.js";
import { prefixOf } from "./wire/format.js";
import type { PeerMessage, ShellMessage } from "./wire/peer-message.js";

const NO_OPTIONS: GroupRequestOptions = {};

/** See `openGroup`. */
export class Member<Response> implements Group<Response> {
  readonly id: string;
  readonly self: NodeId;
  readonly #options: MemberOptions<Response>;
  readonly #prefix: Uint8Array;
  readonly #logger: Logger;
  readonly #metrics: GroupMetrics;
  readonly #parts: MemberParts<Response>;
  readonly #watchers = new Set<BoundedStream<GroupStatus>>();
  /** Snapshots of leaders are loaded one after the other. */
  #loading: Promise<void> = Promise.resolve();
  #endLink: (() => void) | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemberOptions<Response>) {
    const { group, link, runtime } = options;
    this.#options = options;
    this.id = group;
    this.self = link.self;
    this.#prefix = prefixOf(group);
    this.#logger = runtime.logger.child({ group });
    this.#metrics = new GroupMetrics(runtime.meter, group);
    this.#parts = assemble(options, this.#logger, {
      send: (to, message) => this.#send(to, message),
      applied: (index, sizeBytes) => this.#applied(index, sizeBytes),
      installed: (meta) => this.#load(meta),
      status: (status) => this.#statusChanged(status),
      notice: (notice) => this.#noticed(notice),
      count: (counter) => this.#metrics.event(counter),
      snapshotTaken: () => this.#metrics.snapshotTaken(),
      failed: (error) => this.#fail(error),
    });
  }

  /** Begins to take part; `timeMs` is the log time of the snapshot that the machine was put to. */
  begin(timeMs: number): void {
    const { link, log } = this.#options;
    const { applier, driver } = this.#parts;
    if (log.snapshot) applier.start(log.snapshot, timeMs);
    this.#endLink = link.open({
      onMessage: (from, bytes) => this.#received(from, bytes),
      onUnreachable: (peer) => driver.feed({ type: "unreachable", peer }),
    });
    driver.feed({ type: "start" });
  }

  propose(data: Uint8Array, options = NO_OPTIONS): Promise<Proposed<Response>> {
    const gone = this.#gone();
    return gone ? Promise.reject(gone) : this.#parts.proposer.propose(data, options);
  }

  read(options = NO_OPTIONS): Promise<number> {
    const gone = this.#gone();
    return gone ? Promise.reject(gone) : this.#parts.reader.read(options);
  }

  async change(changes: readonly MemberChange[], options = NO_OPTIONS): Promise<number> {
    const gone = this.#gone();
    if (gone) throw gone;
    const done = await this.#parts.errands.run({ type: "change", changes }, options);
    return done.type === "changed" ? done.index : 0;
  }

  async transfer(to?: NodeId, options = NO_OPTIONS): Promise<NodeId> {
    const gone = this.#gone();
    if (gone) throw gone;
    const errand = { type: "transfer", ...(to !== undefined && { to }) } as const;
    const done = await this.#parts.errands.run(errand, options);
    return done.type === "transferred" ? done.to : this.self;
  }

  status(): GroupStatus {
    const { driver, applier, time } = this.#parts;
    const { role, term, leader, configuration } = driver.status;
    return {
      role,
      term,
      leader,
      configuration,
      appliedIndex: applier.index,
      logTimeMs: time.appliedMs,
      failure: this.#failure,
    };
  }

  watchStatus(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<GroupStatus> {
    const stream = boundedStream<GroupStatus>({
      buffer: this.#options.limits.statusBuffer,
      overflow: "drop-oldest",
      name: `status of group ${this.id}`,
      signal: options.signal,
      onEnd: () => this.#watchers.delete(stream),
    });
    stream.push(this.status());
    if (this.#closing) stream.end();
    else if (!stream.ended) this.#watchers.add(stream);
    return stream.iterator;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { log } = this.#options;
    const { snapshotter, disk } = this.#parts;
    await this.#resign();
    if (!this.#failure) this.#stop(groupClosed(this.id));
    for (const watcher of [...this.#watchers]) watcher.end();
    await Promise.all([snapshotter.settled(), disk.endReaders(), this.#loading]);
    await log.close();
  }

  /** A leader that goes of its own will leaves nobody waiting for an election timeout. */
  async #resign(): Promise<void> {
    const { driver, errands, electionMs } = this.#parts;
    const others = driver.status.configuration.voters.filter((id) => id !== this.self);
    if (this.#failure || !driver.isLeader || others.length === 0) return;
    // Whether it succeeded or not, this member goes.
    await errands.run({ type: "transfer" }, { timeout: electionMs }).catch(() => {});
  }

  #gone(): Error | undefined {
    return this.#closing ? groupClosed(this.id) : this.#failure;
  }

  #fail(error: unknown): void {
    const { driver } = this.#parts;
    // What a closed log says is no failure.
    if (this.#failure || !driver.raft) return;
    this.#failure = isFoundationError(error) ? error : memberFailed(this.id, error);
    this.#metrics.failed();
    this.#logger.error("This member of a consensus group takes part no more", {
      error: this.#failure,
    });
    this.#stop(this.#failure);
    this.#metrics.status("follower", driver.status.term, false);
    this.#tellWatchers();
  }

  #stop(error: Error): void {
    const { driver, ticker, snapshotter, proposer, reader, errands } = this.#parts;
    driver.stop();
    this.#endLink?.();
    this.#endLink = undefined;
    ticker.stop();
    snapshotter.wake();
    proposer.end(error);
    reader.end(error);
    errands.end(error);
  }

  #send(to: NodeId, { kind, message }: PeerMessage): boolean {
    const bytes =
      kind === "raft" ? encodeRaft(this.#prefix, message) : encodeShell(this.#prefix, message);
    const lane = message.type === "snapshot" ? "bulk" : "control";
    const isSent = this.#options.link.send(to, bytes, lane);
    if (!isSent) this.#metrics.unsent();
    return isSent;
  }

  #received(from: NodeId, bytes: Uint8Array): void {
    const found = decode(this.#prefix, { group: this.id, from, to: this.self }, bytes);
    if (!found) return this.#metrics.malformed();
    const { driver } = this.#parts;
    if (found.kind === "raft") driver.feed({ type: "message", message: found.message });
    else this.#receivedShell(from, found.message);
  }

  #receivedShell(from: NodeId, message: ShellMessage): void {
    const { proposer, forwards, errands } = this.#parts;
    switch (message.type) {
      case "forward":
        return forwards.received(from, message);
      case "forward-refused":
        return proposer.refused(from, message);
      case "ask":
        return errands.asked(from, message);
      case "answer":
        return errands.answered(from, message);
      default:
        message satisfies never;
    }
  }

  #applied(index: number, sizeBytes: number): void {
    const { driver, reader, snapshotter, ticker } = this.#parts;
    driver.feed({ type: "applied", index });
    this.#metrics.applied(index, sizeBytes);
    reader.release();
    snapshotter.applied(index, sizeBytes);
    ticker.update();
  }

  /** A leader's snapshot is on the disk: the machine gets its state. */
  #load(meta: SnapshotMeta): void {
    const { log } = this.#options;
    const { applier, driver } = this.#parts;
    const load = async (): Promise<void> => {
      if (!driver.raft) return;
      const reader = log.openSnapshot();
      try {
        // A newer one is there already, and is loaded next.
        if (reader?.meta.id !== meta.id) return;
        const head = await readHead(reader);
        await applier.load(meta, head.timeMs, machineBytes(reader, head));
      } finally {
        await reader?.close();
      }
    };
    this.#loading = this.#loading.then(load).catch((error: unknown) => this.#fail(error));
  }

  #statusChanged({ role, term, leader }: RaftStatus): void {
    const { disk, proposer, errands, ticker } = this.#parts;
    this.#metrics.status(role, term, leader !== undefined);
    if (role !== "leader") void disk.endReaders();
    proposer.flush();
    errands.flush();
    ticker.update();
    this.#tellWatchers();
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    const status = this.status();
    for (const watcher of [...this.#watchers]) watcher.push(status);
  }

  #noticed(notice: RaftNotice): void {
    switch (notice.type) {
      case "stepped-down":
        return this.#logger.warn("This member leads no more", { reason: notice.reason });
      case "promoting":
        return this.#logger.info("A learner has caught up and becomes a voter", { id: notice.id });
      case "learner-slow":
        return this.#logger.warn("A learner does not catch up, so it is no voter yet", {
          id: notice.id,
          rounds: notice.rounds,
        });
      case "transfer-abandoned":
        return this.#logger.warn("The leadership could not be handed over", { to: notice.to });
      default:
        notice satisfies never;
    }
  }
}
