/**
 * MemberService: an open member of the group serves its store, to this node and to those that are no members, for as long
 * as it can answer.
 *
 * A member is opened before the group has taken it in, stays open after the group has let it go, and may be cut off
 * while others replace it. It can answer as a voter that knows a leader; one that has known none for a while gives its
 * requests and watches back, so that they go on at a member that does.
 */
import {
  createGroupEngine,
  serveEngine,
  type Group,
  type GroupEngine,
  type GroupStatus,
  type StoreMachine,
  type StoreResponse,
} from "@foundation/consensus";
import type { Messenger, Runtime } from "@foundation/core";
import type { Timer } from "@foundation/core/ports";
import { limits } from "../limits.js";
import { GROUP } from "./seat.js";

export interface MemberServiceOptions {
  readonly messenger: Messenger;
  readonly group: Group<StoreResponse>;
  readonly machine: StoreMachine;
  readonly runtime: Pick<Runtime, "clock" | "logger">;
}

export class MemberService implements AsyncDisposable {
  readonly #options: MemberServiceOptions;
  readonly #closing = new AbortController();
  readonly #following: Promise<void>;
  readonly #leaving = new Set<Promise<void>>();
  #engine: GroupEngine | undefined;
  #endServing: (() => void) | undefined;
  #leaderless: Timer | undefined;

  constructor(options: MemberServiceOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

  /** The store beside this node, while it can answer. */
  get engine(): GroupEngine | undefined {
    return this.#engine;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    this.#stop();
    await Promise.all(this.#leaving);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for await (const status of this.#options.group.watchStatus({ signal })) this.#judge(status);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.runtime.logger.error("A member of the consensus group serves no more", {
        error,
      });
      this.#stop();
    }
  }

  #judge({ configuration, leader, failure }: GroupStatus): void {
    const { group, runtime } = this.#options;
    const isVoter = configuration.voters.includes(group.self);
    this.#leaderless?.cancel();
    if (!isVoter || failure !== undefined) this.#stop();
    else if (leader !== undefined) this.#start();
    else this.#leaderless = runtime.clock.setTimer(limits.leaderlessMs, () => this.#stop());
  }

  #start(): void {
    if (this.#engine !== undefined || this.#closing.signal.aborted) return;
    const { group, machine, messenger, runtime } = this.#options;
    const { clock } = runtime;
    const engine = createGroupEngine({ group, machine, clock });
    this.#endServing = serveEngine({ messenger, name: GROUP, group, machine, engine, clock });
    this.#engine = engine;
  }

  #stop(): void {
    this.#leaderless?.cancel();
    this.#endServing?.();
    const closing = this.#engine?.close();
    this.#engine = undefined;
    this.#endServing = undefined;
    if (closing === undefined) return;
    const left = closing.catch(() => undefined).finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}
