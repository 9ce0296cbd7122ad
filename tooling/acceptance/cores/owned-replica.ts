/**
 * OwnedReplica: an owner-sharded store's core, used as the registry uses it: nodes claim names in their own shards.
 *
 * Changes are folded and compared with what can be read, so a change that is told wrongly shows.
 */
import type { Boot, NodeId } from "@foundation/core";
import { OWNED_LIMITS, TOMBSTONE_MS, type OwnedLimits } from "../../../packages/crdt/src/limits.js";
import type {
  OwnedChange,
  OwnedEffect,
  OwnedInput,
} from "../../../packages/crdt/src/protocol/owned/inputs.js";
import {
  parseOwnedMessage,
  type OwnedMessage,
} from "../../../packages/crdt/src/protocol/owned/messages.js";
import { OwnedState } from "../../../packages/crdt/src/protocol/owned/owned-state.js";
import {
  resolve,
  type ClaimValue,
} from "../../../packages/registry/src/protocol/name-resolution.js";
import { Replica, type ReplicaHost, type ReplicaInput } from "./replica.js";

export type NamesInput = OwnedInput<ClaimValue>;
export type NamesMessage = OwnedMessage<ClaimValue>;

/** Small, so that transfers are cut into parts and floors rise in a short run. */
const limits: OwnedLimits = {
  ...OWNED_LIMITS,
  deltaEntriesMax: 4,
  tombstonesMax: 3,
  flushDeltasMax: 2,
  vectorEntriesMax: 3,
};

export class OwnedReplica extends Replica<NamesInput, OwnedEffect<ClaimValue>, NamesMessage> {
  readonly state: OwnedState<ClaimValue>;
  /** What this node says, as it was written: the truth about its shard. */
  readonly claimed = new Map<string, ClaimValue>();
  readonly wrong: string[] = [];
  /** By owner and key: what whoever listens to changes believes. */
  readonly #mirror = new Map<string, ClaimValue>();

  constructor(
    self: { readonly id: NodeId; readonly boot: Boot },
    host: ReplicaHost<NamesInput | ReplicaInput, NamesMessage>,
  ) {
    super(host);
    this.state = new OwnedState({ self, limits, tombstoneMs: TOMBSTONE_MS });
  }

  handle(input: NamesInput, now: number): readonly OwnedEffect<ClaimValue>[] {
    return this.state.handle(input, now);
  }

  run(effect: OwnedEffect<ClaimValue>): void {
    switch (effect.type) {
      case "broadcast":
        return this.host.broadcast(effect.message);
      case "send":
        return this.host.send(effect.to, effect.message);
      case "changes":
        for (const change of effect.changes) this.#fold(change);
        return;
      case "progress":
        return;
      case "refused":
        this.wrong.push(`a message was refused: ${effect.reason}`);
        return;
      default:
        effect satisfies never;
    }
  }

  receive(from: NodeId, payload: NamesMessage): void {
    const parsed = parseOwnedMessage<ClaimValue>(payload, limits);
    if ("problem" in parsed) this.wrong.push(`a message was ${parsed.problem}`);
    else this.host.feed({ type: "message", from, message: parsed.message });
  }

  claim(name: string, value: ClaimValue): void {
    this.claimed.set(name, value);
    this.host.feed({ type: "set", key: name, value });
    this.written();
  }

  withdraw(name: string): void {
    if (!this.claimed.delete(name)) return;
    this.host.feed({ type: "delete", key: name });
    this.written();
  }

  /** Every claim that can be read, as text, and who holds each name. */
  view(): string {
    const { claims } = this.state;
    const lines = [...claims.keys()].sort().map((name) => {
      const all = claims.get(name);
      const holder = resolve(
        all.map(({ owner, boot, value }) => ({
          owner: { node: owner, boot },
          value: value as ClaimValue,
        })),
      );
      const texts = all.map(({ owner, boot, value }) => textOf(owner, boot, value as ClaimValue));
      return `${name}: ${texts.join(", ")} held by ${holder?.owner.node ?? "nobody"}`;
    });
    return lines.join("\n");
  }

  /** The sentences that are not true of changes against what can be read. */
  audit(): readonly string[] {
    const { claims } = this.state;
    let live = 0;
    const wrong = [...this.wrong];
    for (const name of claims.keys()) {
      for (const { owner, value } of claims.get(name)) {
        live += 1;
        if (this.#mirror.get(`${owner} ${name}`) !== value) wrong.push(`${name} was not told`);
      }
    }
    if (live !== this.#mirror.size)
      wrong.push(`${live} claims, and ${this.#mirror.size} were told`);
    return wrong;
  }

  #fold(change: OwnedChange<ClaimValue>): void {
    const at = `${change.owner} ${change.key}`;
    const known = this.#mirror.get(at);
    if (change.type === "added") {
      if (known !== undefined) this.wrong.push(`${at} was added twice`);
      this.#mirror.set(at, change.value);
      return;
    }
    if (known !== change.previous) this.wrong.push(`${at} ${change.type}: a wrong previous value`);
    if (change.type === "changed") this.#mirror.set(at, change.value);
    else this.#mirror.delete(at);
  }
}

export function textOf(owner: NodeId, boot: Boot, { serial, generation }: ClaimValue): string {
  return `${owner.slice(0, 6)}/${boot.slice(12, 16)} ${serial} ${generation}`;
}
