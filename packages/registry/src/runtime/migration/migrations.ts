/**
 * Migrations: moves of children between nodes, whoever asks for them.
 *
 * A move is asked for on any node, and made by the node that runs the child. What is not a child of the distributed
 * supervisor belongs to its node and does not move.
 */
import {
  coreErrors,
  isNodeId,
  type InboundMessage,
  type Member,
  type NodeId,
  type Pid,
} from "@foundation/core";
import type { MigrationTimes } from "../../protocol/migration.js";
import { parsePid } from "../calls/foundation-errors.js";
import { noProcess } from "../calls/local-calls.js";
import type { EarlierPlaces } from "../calls/earlier-places.js";
import type { Successors } from "../calls/successors.js";
import { Patience } from "../patience.js";
import type { OperationOptions } from "../supervision/start-options.js";
import type { Moves, Supervision, SupervisionParts } from "../supervision/supervision.js";
import { CHANNEL, isLocal, isMember, type Wiring } from "../wiring.js";
import type { Aliases } from "./aliases.js";
import { Arrivals } from "./arrivals.js";
import { Departures } from "./departures.js";
import { Forwards } from "./forwards.js";
import type { Migrated, MigrationStep } from "./migration.js";
import { MOVE, notMoved, STEP } from "./offer.js";

/** Where a process is moved to, and how long that may take. */
export interface MigrateOptions extends OperationOptions {
  /** The node, or its entry in the list of members. */
  readonly to: NodeId | Member;
}

type Tell = (step: MigrationStep) => void;

export class Migrations implements Moves {
  readonly #wiring: Wiring;
  readonly #parts: SupervisionParts;
  readonly #supervision: Supervision;
  readonly #forwards: Forwards;
  readonly #departures: Departures;
  readonly #arrivals: Arrivals;
  /** Moves that this node asked others for: who is told of their steps. */
  readonly #asked = new Map<number, Tell>();
  readonly #stops: (() => void)[];
  #lastAsked = 0;

  constructor(
    wiring: Wiring,
    parts: SupervisionParts,
    supervision: Supervision,
    successors: Successors,
    earlier: EarlierPlaces,
    aliases: () => Aliases,
  ) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#supervision = supervision;
    const times = timesOf(wiring);
    this.#forwards = new Forwards(wiring, successors);
    this.#departures = new Departures(
      ...([wiring, parts, supervision, this.#forwards, successors, earlier, times] as const),
      aliases,
    );
    this.#arrivals = new Arrivals(wiring, parts, supervision, earlier, times, aliases);
    this.#stops = [
      wiring.messenger.handle(MOVE, (message) => this.#onMove(message)),
      wiring.messenger.handle(STEP, ({ payload }) => this.#onStep(payload)),
    ];
    supervision.moves = this;
  }

  /** Moves what runs under the identity, or the very process, wherever it is. */
  async migrate(
    identity: string | undefined,
    pid: Pid | undefined,
    to: NodeId,
    patience: Patience,
    tell: Tell,
  ): Promise<Migrated> {
    const { membership, self } = this.#wiring;
    const here = this.#childOf(identity, pid);
    if (here !== undefined) return this.#departures.move(here, to, patience, tell);
    const spec = identity === undefined ? undefined : this.#parts.specs.get(identity);
    const owner = spec?.state === "running" ? spec.owner : pid;
    const name = identity ?? "a process without a name";
    if (owner === undefined || !isMember(owner, membership)) {
      throw noProcess(name, "nobody runs under it, so nothing can be moved");
    }
    if (owner.node === self.node) {
      const why = "it was started without { distribute: true }, or is not running at the moment";
      throw notMoved(name, to, "not-supervised", why);
    }
    return this.#ask(owner.node, [identity, pid, to], patience, tell);
  }

  async move(identity: string, to: NodeId, patience: Patience): Promise<Migrated> {
    return this.#departures.move(identity, to, patience, () => undefined);
  }

  inherit(identity: string): void {
    this.#arrivals.inherit(identity);
  }

  /** True while this node names a process that has moved away: a name that is not its own any more, and no conflict. */
  isLingering(name: string, serial: number): boolean {
    return this.#departures.isLingering(name, serial);
  }

  async settled(): Promise<void> {
    await this.#arrivals.settled();
    await this.#forwards.answered();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#arrivals.close();
    this.#departures.close();
    this.#forwards.close();
  }

  #childOf(identity: string | undefined, pid: Pid | undefined): string | undefined {
    const { children } = this.#supervision;
    const byName = identity === undefined ? undefined : children.get(identity);
    if (byName !== undefined && byName.phase !== "passive") return byName.identity;
    if (pid === undefined || !isLocal(pid, this.#wiring.self)) return undefined;
    return children.byPid(pid)?.identity;
  }

  async #ask(
    owner: NodeId,
    [identity, pid, to]: readonly [string | undefined, Pid | undefined, NodeId],
    patience: Patience,
    tell: Tell,
  ): Promise<Migrated> {
    const id = ++this.#lastAsked;
    this.#asked.set(id, tell);
    const route = { to: owner, channel: CHANNEL, subject: MOVE };
    try {
      const reply = await this.#wiring.messenger.request(route, [identity, pid, to, id], {
        timeoutMs: patience.remainingMs(),
        signal: patience.callerSignal,
      });
      const moved = parseMigrated(reply);
      if (moved !== undefined) return moved;
      throw coreErrors.ERR_OUTCOME_UNKNOWN(
        "The node that should move the process answered in a form this version cannot read",
        { reason: "connection-lost", target: identity ?? "?" },
      );
    } finally {
      this.#asked.delete(id);
    }
  }

  async #onMove({ payload, from, signal, deadline }: InboundMessage): Promise<Migrated> {
    const [identity, pid, to, id] = (Array.isArray(payload) ? payload : []) as readonly unknown[];
    const { clock, limits, messenger } = this.#wiring;
    const name = typeof identity === "string" ? identity : undefined;
    if (!isNodeId(to))
      throw notMoved(name ?? "?", "?", "unknown-node", "the request names no node");
    const child = this.#childOf(name, parsePid(pid));
    if (child === undefined) throw noProcess(name ?? "?", "it is not a child of that node");
    const timeoutMs = deadline === undefined ? limits.timeoutMs : deadline - clock.now();
    const patience = new Patience(clock, Math.max(0, timeoutMs), signal);
    const route = { to: from, channel: CHANNEL, subject: STEP };
    try {
      return await this.#departures.move(child, to, patience, (step) => {
        messenger.trySend(route, [id, step]);
      });
    } finally {
      patience.end();
    }
  }

  #onStep(payload: unknown): void {
    const [id, step] = (Array.isArray(payload) ? payload : []) as readonly unknown[];
    const known = parseStep(step);
    if (known !== undefined) this.#asked.get(id as number)?.(known);
  }
}

/** A copy is held longer than its commit may take, whatever the limits say. */
function timesOf({ limits }: Wiring): MigrationTimes {
  const { commitWithinMs, passiveHoldMs, handOverMs } = limits;
  return { commitWithinMs, holdMs: Math.max(passiveHoldMs, commitWithinMs + 1), handOverMs };
}

function parseMigrated(value: unknown): Migrated | undefined {
  const { identity, from, pid, generation } = (value ?? {}) as Partial<Migrated>;
  const parsed = parsePid(pid);
  if (typeof identity !== "string" || !isNodeId(from) || parsed === undefined) return undefined;
  return typeof generation === "number" ? { identity, from, pid: parsed, generation } : undefined;
}

/** A step that a peer told; one of a kind this version does not know is left out. */
function parseStep(value: unknown): MigrationStep | undefined {
  const { type, pid, waiting, stateBytes, generation } = (value ?? {}) as {
    readonly [field: string]: unknown;
  };
  switch (type) {
    case "frozen":
      return typeof waiting === "number" ? { type, waiting } : undefined;
    case "sent":
      return typeof stateBytes === "number" ? { type, stateBytes } : undefined;
    case "committed":
      return typeof generation === "number" ? { type, generation } : undefined;
    case "installed":
    case "moved": {
      const parsed = parsePid(pid);
      return parsed && { type, pid: parsed };
    }
    default:
      return undefined;
  }
}
