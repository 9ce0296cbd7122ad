/**
 * GroupMail: one message to many processes, carried once to each node.
 *
 * The serials of the addressed travel with it, so that each member of the sender's view gets it, and nobody else.
 * At most once: what does not fit into a link or a mailbox is dropped and counted.
 */
import { currentTrace, type InboundMessage, type NodeId, type Pid } from "@foundation/core";
import { deliverOneWay } from "../calls/remote-calls.js";
import { CHANNEL, copyOf, type Wiring } from "../wiring.js";

const SEND = "groups.send";

export class GroupMail {
  readonly #wiring: Wiring;
  readonly #stop: () => void;

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
    this.#stop = wiring.messenger.handle(SEND, (message) => this.#onSend(message));
  }

  /** @throws {ERR_NOT_ENCODABLE} */
  send(pids: readonly Pid[], type: "cast" | "info", handler: string, payload: unknown): void {
    const byNode = new Map<NodeId, Pid[]>();
    for (const pid of pids) {
      const there = byNode.get(pid.node);
      if (there === undefined) byNode.set(pid.node, [pid]);
      else there.push(pid);
    }
    const { self } = this.#wiring;
    for (const [node, there] of byNode) {
      if (node === self.node) this.#deliver(there, type, handler, payload, node);
      else this.#post(node, there, type, handler, payload);
    }
  }

  close(): void {
    this.#stop();
  }

  #post(to: NodeId, pids: readonly Pid[], type: string, handler: string, payload: unknown): void {
    const { messenger, metrics } = this.#wiring;
    const serials = pids.map(({ serial }) => serial);
    const message = [type, handler, payload, pids[0]?.boot, serials];
    const route = { to, channel: CHANNEL, subject: SEND };
    const outcome = messenger.trySend(route, message, { trace: currentTrace() });
    if (outcome !== "accepted") metrics.dropped.add(pids.length);
  }

  #onSend({ payload, from }: InboundMessage): void {
    const { self, metrics } = this.#wiring;
    const message = Array.isArray(payload) ? (payload as readonly unknown[]) : [];
    const [type, handler, body, boot, serials] = message;
    if ((type !== "cast" && type !== "info") || typeof handler !== "string") return;
    if (!Array.isArray(serials)) return;
    if (boot !== self.boot) return metrics.dropped.add(serials.length);
    const pids = (serials as unknown[]).flatMap((serial) =>
      typeof serial === "number" ? [{ ...self, serial }] : [],
    );
    this.#deliver(pids, type, handler, body, from);
  }

  #deliver(
    pids: readonly Pid[],
    type: "cast" | "info",
    handler: string,
    payload: unknown,
    from: NodeId,
  ): void {
    const { codec, metrics } = this.#wiring;
    for (const pid of pids) {
      // Each gets its own: members of one node share nothing either.
      const copy = copyOf(payload, codec);
      const outcome = deliverOneWay(this.#wiring, pid, type, handler, copy, from, currentTrace());
      if (outcome !== "accepted") metrics.dropped.add();
    }
  }
}
