/**
 * SnapshotReceiving: takes a leader's snapshot chunk by chunk and puts it in the place of the log.
 *
 * Raft paper, Figure 13 (InstallSnapshot). The shell keeps the chunks aside; the snapshot counts
 * only from the write that installs it, and is acknowledged like entries: when that is durable.
 */
import { invariant } from "../invariant.js";
import type { SnapshotMeta } from "./entry.js";
import type { RaftMessage } from "./messages.js";
import type { RaftState } from "./state.js";

type SnapshotMessage = Extract<RaftMessage, { type: "snapshot" }>;

export class SnapshotReceiving {
  readonly #state: RaftState;
  /** What is staged so far. */
  #staged: { readonly id: string; readonly offset: number } | undefined;

  constructor(
    state: RaftState,
    staged: { readonly id: string; readonly offset: number } | undefined,
  ) {
    this.#state = state;
    this.#staged = staged;
  }

  /** A chunk from the leader of this member's term. */
  received({ from, snapshot, offset, data, isLast }: SnapshotMessage): void {
    const state = this.#state;
    // Figure 13, step 6: what the log has needs no snapshot, and the log is kept.
    if (state.log.matches(snapshot.index, snapshot.term)) state.commitTo(snapshot.index);
    if (snapshot.index <= state.commit) {
      state.sendDurable(from, { type: "appended", index: state.commit });
      return;
    }
    const { id } = snapshot;
    // Figure 13, step 5: another snapshot than the one that was arriving takes its place.
    const have = this.#staged?.id === id ? this.#staged.offset : 0;
    if (offset !== have) {
      state.send(from, { type: "snapshot-reply", id, offset: have });
      return;
    }
    this.#staged = { id, offset: have + data.byteLength };
    state.outbox.stage({ snapshot, offset, data, isLast });
    if (isLast) {
      this.#install(snapshot);
      state.sendDurable(from, { type: "appended", index: snapshot.index });
    } else {
      state.send(from, { type: "snapshot-reply", id, offset: this.#staged.offset });
    }
  }

  /** Figure 13, steps 7 and 8: discard the log, reset the state machine, load the configuration. */
  #install(snapshot: SnapshotMeta): void {
    const state = this.#state;
    invariant(snapshot.index > state.commit, "a snapshot would take the state machine back");
    state.outbox.install(snapshot, state.commit);
    state.outbox.count("snapshot-installed");
    state.log.restore(snapshot.index, snapshot.term);
    state.configurations.restore(snapshot.index, snapshot.configuration);
    state.snapshot = snapshot;
    state.commit = snapshot.index;
    state.handed = snapshot.index;
    state.applied = snapshot.index;
    this.#staged = undefined;
  }
}
