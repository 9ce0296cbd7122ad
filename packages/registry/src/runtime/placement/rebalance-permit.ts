/**
 * RebalancePermit: one rebalancing at a time in the whole cluster.
 *
 * Two at once would plan from the same counts and move twice what is needed. So who rebalances asks
 * the node that the placement names for a permit, and again before each move; a permit that is not
 * asked for again in time is free, so a node that dies holding it holds up nobody for long.
 *
 * Nodes that see different members may name different nodes, and each grant a permit: then both
 * move children, each by a move that is safe by itself, and at the next asking, once they agree
 * again, one of them is refused and ends.
 *
 * Invariant: one node grants the permit to one run at a time. Limit: `rebalancePermitMs`.
 */
import { isFoundationError, type InboundMessage, type NodeId } from "@foundation/core";
import { registryErrors } from "../../errors.js";
import { CHANNEL, type Wiring } from "../wiring.js";
import type { Placing } from "./placing.js";

const TAKE = "rebalance.take";
const GIVE = "rebalance.give";
const KEY = "$rebalance";

interface Held {
  readonly holder: string;
  readonly name: string;
  readonly untilMs: number;
}

export class RebalancePermit {
  readonly #wiring: Wiring;
  readonly #placing: Placing;
  readonly #stops: (() => void)[];
  #held: Held | undefined;
  #runs = 0;

  constructor(wiring: Wiring, placing: Placing) {
    this.#wiring = wiring;
    this.#placing = placing;
    const { messenger } = wiring;
    this.#stops = [
      messenger.handle(TAKE, (message) => this.#onTake(message)),
      messenger.handle(GIVE, (message) => this.#onGive(message)),
    ];
  }

  /** The node that the placement names: it grants the permit, and rebalances when all do by themselves. */
  get coordinator(): NodeId {
    const { membership, self } = this.#wiring;
    const well = membership.members().filter(({ status }) => status === "alive");
    return this.#placing.place(KEY, well) ?? self.node;
  }

  /** A new run of this node, to ask with. */
  newRun(): number {
    this.#runs += 1;
    return this.#runs;
  }

  /**
   * Takes the permit, or keeps it.
   * @throws {ERR_REBALANCING} another run has it @throws {ERR_NODE_UNREACHABLE} nobody could be asked
   */
  async take(run: number, signal: AbortSignal | undefined): Promise<void> {
    const { self, membership, messenger, limits } = this.#wiring;
    const to = this.coordinator;
    const refusedBy =
      to === self.node
        ? this.#grant(this.#holderOf(self.node, run), membership.self.name)
        : await messenger.request(
            { to, channel: CHANNEL, subject: TAKE },
            [run, membership.self.name],
            { timeoutMs: limits.timeoutMs, signal },
          );
    if (refusedBy === undefined || refusedBy === null) return;
    const holder = String(refusedBy);
    throw registryErrors.ERR_REBALANCING(
      `Node ${holder} is rebalancing the cluster; two at once would undo each other`,
      { holder },
    );
  }

  /** Gives the permit back; what is not given back is free after `rebalancePermitMs`. */
  async give(run: number): Promise<void> {
    const { self, messenger, limits, logger } = this.#wiring;
    const to = this.coordinator;
    if (to === self.node) return this.#release(this.#holderOf(self.node, run));
    const route = { to, channel: CHANNEL, subject: GIVE };
    try {
      await messenger.request(route, run, { timeoutMs: limits.timeoutMs });
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      logger.debug("The permit to rebalance was not given back; it runs out", { error });
    }
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #onTake({ payload, from }: InboundMessage): string | undefined {
    const [run, name] = Array.isArray(payload) ? payload : [];
    return this.#grant(this.#holderOf(from, Number(run)), String(name).slice(0, 255));
  }

  #onGive({ payload, from }: InboundMessage): void {
    this.#release(this.#holderOf(from, Number(payload)));
  }

  /** Who has it, when somebody else has. */
  #grant(holder: string, name: string): string | undefined {
    const { clock, limits } = this.#wiring;
    const held = this.#held;
    if (held !== undefined && held.holder !== holder && held.untilMs > clock.now()) {
      return held.name;
    }
    this.#held = { holder, name, untilMs: clock.now() + limits.rebalancePermitMs };
    return undefined;
  }

  #release(holder: string): void {
    if (this.#held?.holder === holder) this.#held = undefined;
  }

  #holderOf(node: NodeId, run: number): string {
    return `${node}/${run}`;
  }
}
