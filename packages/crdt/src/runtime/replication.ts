/**
 * Replication: what the shells of all replicated stores share: subjects, members, turns and time.
 *
 * One subject a store (`crdt.<kind>.<name>`), so a message finds its store without decoding and
 * two stores of one name on one node are refused by the messenger. All messages go on the channel
 * `state`, unicast ones only if there is room: what is not accepted is dropped and counted, because
 * anti-entropy brings it again and a queue here would only hide that the link is full.
 */
import { coreErrors, nodeRuntime, parseDuration } from "@foundation/core";
import type {
  Broadcast,
  Duration,
  InboundMessage,
  Membership,
  MembershipEvent,
  Messenger,
  NodeId,
  Random,
  Route,
  Runtime,
  Timer,
} from "@foundation/core";
import {
  EXCHANGE_INTERVAL_MS,
  EXCHANGE_JITTER,
  STORE_NAME_BYTES_MAX,
  TOMBSTONE_MS,
} from "../limits.js";
import { utf8Size } from "../protocol/plain-size.js";

/** What a replicated store needs of its node. */
export interface ReplicationPorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  /** Clock, random, logger and meter; what is missing is Node's own. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** The ports with nothing missing. */
export interface ResolvedPorts extends ReplicationPorts {
  readonly runtime: Pick<Runtime, "clock" | "random" | "logger" | "meter">;
}

/** Fills in what the caller left to Node. */
export function resolvePorts<O extends ReplicationPorts>(options: O): O & ResolvedPorts {
  return { ...options, runtime: nodeRuntime(options.runtime) };
}

/** Options of every replicated store. */
export interface ReplicationOptions extends ReplicationPorts {
  /** Equal on every node that shares the state; 1 to 128 bytes. */
  readonly name: string;
  /** Between two rounds of anti-entropy with a random member. @default "10s" */
  readonly exchangeInterval?: Duration | undefined;
  /** How long deletions and down nodes are remembered. @default "1d" */
  readonly tombstoneTime?: Duration | undefined;
}

/** What a store's protocol wants to be told. */
export interface ReplicationInputs {
  message(from: NodeId, payload: unknown): void;
  /** @param wasThere it was a member before the store was opened */
  member(event: MembershipEvent, wasThere: boolean): void;
  tick(peer: NodeId | undefined): void;
  flush(): void;
}

const CHANNEL = "state";

export class Replication {
  readonly subject: string;
  readonly tombstoneMs: number;
  readonly #ports: ResolvedPorts;
  readonly #inputs: ReplicationInputs;
  readonly #intervalMs: number;
  readonly #random: Random;
  readonly #routes = new Map<NodeId, Route>();
  readonly #ends: (() => void)[] = [];
  readonly #dropped: { add(count?: number): void };
  readonly #refused: { add(count?: number): void };
  #timer: Timer | undefined;
  #flushing = false;
  #closed = false;
  #refusals = 0;

  constructor(
    kind: string,
    options: ReplicationOptions & ResolvedPorts,
    inputs: ReplicationInputs,
  ) {
    const { name, runtime } = options;
    checkName(name);
    this.subject = `crdt.${kind}.${name}`;
    this.#ports = options;
    this.#inputs = inputs;
    this.#intervalMs = durationOf(
      options.exchangeInterval,
      EXCHANGE_INTERVAL_MS,
      "exchangeInterval",
    );
    this.tombstoneMs = durationOf(options.tombstoneTime, TOMBSTONE_MS, "tombstoneTime");
    this.#random = runtime.random.fork(this.subject);
    const labels = { store: name, kind };
    this.#dropped = runtime.meter.counter(
      "crdt_messages_dropped_total",
      "Messages that found no room on the link; anti-entropy repeats them",
      labels,
    );
    this.#refused = runtime.meter.counter(
      "crdt_messages_refused_total",
      "Messages of other nodes that were malformed or over a limit",
      labels,
    );
  }

  /** Registers with the ports and tells of the members there are. */
  start(): void {
    const { messenger, membership, broadcast } = this.#ports;
    const onMessage = (message: InboundMessage) => {
      this.#inputs.message(message.from, message.payload);
    };
    this.#ends.push(messenger.handle(this.subject, onMessage));
    this.#ends.push(broadcast.handle(this.#broadcastSubject, onMessage));
    this.#ends.push(membership.subscribe((event) => this.#onMember(event)));
    for (const node of membership.members()) {
      if (node.id !== membership.self.id) this.#inputs.member({ type: "node-up", node }, true);
    }
    this.#schedule();
  }

  send(to: NodeId, message: unknown): void {
    const { subject } = this;
    const route = this.#routes.get(to) ?? { to, channel: CHANNEL, subject, key: subject };
    this.#routes.set(to, route);
    this.#post(() => this.#ports.messenger.trySend(route, message) === "accepted");
  }

  broadcast(message: unknown): void {
    this.#post(() => {
      this.#ports.broadcast.publish(this.#broadcastSubject, message, { channel: CHANNEL });
      return true;
    });
  }

  /** Calls `flush` once when the turn ends. */
  flushLater(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    this.#ports.runtime.clock.endOfTurn(() => {
      this.#flushing = false;
      if (!this.#closed) this.#inputs.flush();
    });
  }

  /** A peer sent what is not allowed: counted, and logged with growing gaps. */
  refuse(from: NodeId, reason: string): void {
    this.#refused.add();
    this.#refusals += 1;
    if ((this.#refusals & (this.#refusals - 1)) !== 0) return;
    this.#ports.runtime.logger.warn("A message for a replicated store was refused", {
      subject: this.subject,
      from,
      reason,
      refusals: this.#refusals,
    });
  }

  /** Calls a listener; its failure is its own. */
  guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      const { logger } = this.#ports.runtime;
      logger.error("A listener of a replicated store threw", { subject: this.subject, error });
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const end of this.#ends.splice(0)) end();
  }

  /** Sends; a port that is closing or full costs this message, not the turn it was sent in. */
  #post(send: () => boolean): void {
    try {
      if (!send()) this.#dropped.add();
    } catch (error) {
      this.#dropped.add();
      const { logger } = this.#ports.runtime;
      logger.debug("A message of a replicated store was not sent", {
        subject: this.subject,
        error,
      });
    }
  }

  /** Messenger and broadcast may share one table of subjects. */
  get #broadcastSubject(): string {
    return `${this.subject}.all`;
  }

  #onMember(event: MembershipEvent): void {
    if (event.node.id === this.#ports.membership.self.id) return;
    if (event.type === "node-down" || event.type === "node-left")
      this.#routes.delete(event.node.id);
    this.#inputs.member(event, false);
  }

  #schedule(): void {
    const jitter = 1 + EXCHANGE_JITTER * (this.#random.next() * 2 - 1);
    this.#timer = this.#ports.runtime.clock.setTimer(this.#intervalMs * jitter, () => {
      this.#schedule();
      this.#inputs.tick(this.#anyPeer());
    });
  }

  #anyPeer(): NodeId | undefined {
    const { membership } = this.#ports;
    const peers = membership.members().filter(({ id }) => id !== membership.self.id);
    return peers[Math.floor(this.#random.next() * peers.length)]?.id;
  }
}

function durationOf(value: Duration | undefined, byDefaultMs: number, argument: string): number {
  return value === undefined ? byDefaultMs : parseDuration(value, argument);
}

function checkName(name: unknown): void {
  if (typeof name === "string" && name !== "" && utf8Size(name) <= STORE_NAME_BYTES_MAX) return;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `name must be a text of 1 to ${STORE_NAME_BYTES_MAX} bytes, found ${JSON.stringify(name)}; ` +
      "choose one that is equal on every node",
    {
      argument: "name",
      expected: `a text of 1 to ${STORE_NAME_BYTES_MAX} bytes`,
      found: String(name).slice(0, 64),
    },
  );
}
