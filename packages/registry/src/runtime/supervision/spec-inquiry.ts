/**
 * SpecInquiry: asks the node that runs a child for the child's spec.
 *
 * A name says that a child runs and not from what it is started, and may be heard of before the spec is. Who is told that a
 * child runs may be the only one who knows of it once its node has died: so the spec is here before anybody is told.
 */
import { isFoundationError, type InboundMessage } from "@foundation/core";
import { parseOwner } from "../../protocol/parse-spec.js";
import type { Patience } from "../patience.js";
import { CHANNEL, type Wiring } from "../wiring.js";
import type { SpecStore } from "./spec-store.js";

const SUBJECT = "registry.spec";

export class SpecInquiry {
  readonly #wiring: Wiring;
  readonly #specs: SpecStore;
  readonly #stopServing: () => void;

  constructor(wiring: Wiring, specs: SpecStore) {
    this.#wiring = wiring;
    this.#specs = specs;
    this.#stopServing = wiring.messenger.handle(SUBJECT, (message) => this.#serve(message));
  }

  /**
   * Resolves when this node knows from what the child runs that a start was refused for; a process without a spec has none.
   * @throws what a request throws: its node did not say
   */
  async learn(identity: string, refused: unknown, patience: Patience): Promise<void> {
    const { messenger, self } = this.#wiring;
    if (this.#specs.get(identity)?.state === "running") return;
    const holder = isFoundationError(refused, "ERR_NAME_TAKEN") && refused.details.holder;
    const owner = holder ? parseOwner(holder) : undefined;
    if (owner === undefined || owner.node === self.node) return;
    const route = { to: owner.node, channel: CHANNEL, subject: SUBJECT, key: identity };
    const timeoutMs = patience.remainingMs();
    const told = await messenger.request(route, identity, { timeoutMs, signal: patience.signal });
    this.#specs.learn(identity, told);
  }

  close(): void {
    this.#stopServing();
  }

  /** What a stopped child is told by is its version alone. */
  #serve({ payload }: InboundMessage): unknown {
    return typeof payload === "string" ? this.#specs.get(payload) : undefined;
  }
}
