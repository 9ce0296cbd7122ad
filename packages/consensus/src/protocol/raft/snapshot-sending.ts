/**
 * SnapshotSending: brings a follower that lacks what is compacted away to a snapshot, in chunks.
 *
 * Raft paper, section 7 and Figure 13. One chunk at a time is under way for each follower; the
 * follower says how many bytes it has, so a transfer goes on where it stopped, after a lost message,
 * another link or another leader (equal ids mean equal bytes). The bytes come from the shell.
 */
import type { NodeId } from "@foundation/core";
import { invariant } from "../invariant.js";
import type { RaftInput } from "./inputs.js";
import type { Progress, Transfer } from "./progress.js";
import type { RaftState } from "./state.js";

type Chunk = Extract<RaftInput, { type: "snapshot-chunk" }>;

export class SnapshotSending {
  readonly #state: RaftState;

  constructor(state: RaftState) {
    this.#state = state;
  }

  begin(progress: Progress): void {
    const { snapshot, now, outbox } = this.#state;
    if (snapshot === undefined) return invariant(false, "the log is compacted without a snapshot");
    outbox.count("snapshot-sent");
    const transfer: Transfer = { snapshot, offset: 0, awaits: "bytes", since: now };
    progress.snapshot(transfer);
    this.#request(progress.id, transfer);
  }

  /** The shell has read bytes. */
  chunkRead({ to, id, offset, data, isLast }: Chunk): void {
    const transfer = this.#transfer(to, id);
    if (!transfer || transfer.awaits !== "bytes" || transfer.offset !== offset) return;
    transfer.awaits = "reply";
    transfer.since = this.#state.now;
    const { snapshot } = transfer;
    this.#state.send(to, { type: "snapshot", snapshot, offset, data, isLast });
  }

  /** The shell has this snapshot no more: begin with the present one. */
  unreadable(to: NodeId, id: string): void {
    const progress = this.#state.progress.get(to);
    if (!progress || !this.#transfer(to, id)) return;
    // With the same one it would be asked for over and over; the next heartbeat's answer tries again.
    if (this.#state.snapshot?.id !== id) this.begin(progress);
  }

  /** The follower has this many bytes. */
  replied(from: NodeId, id: string, offset: number): void {
    const progress = this.#state.progress.get(from);
    if (progress) progress.activeAt = this.#state.now;
    const transfer = this.#transfer(from, id);
    if (!transfer || transfer.awaits !== "reply") return;
    transfer.offset = offset;
    this.#request(from, transfer);
  }

  /** The follower lives: ask again for what takes too long. */
  resume(progress: Progress): void {
    const { transfer } = progress;
    const { now, times } = this.#state;
    if (transfer && now - transfer.since >= times.retryMs) this.#request(progress.id, transfer);
  }

  #request(to: NodeId, transfer: Transfer): void {
    const { outbox, now, limits } = this.#state;
    transfer.awaits = "bytes";
    transfer.since = now;
    const { snapshot, offset } = transfer;
    outbox.requestChunk({ to, snapshot, offset, bytesMax: limits.chunkBytesMax });
  }

  #transfer(to: NodeId, id: string): Transfer | undefined {
    const transfer = this.#state.progress.get(to)?.transfer;
    return transfer?.snapshot.id === id ? transfer : undefined;
  }
}
