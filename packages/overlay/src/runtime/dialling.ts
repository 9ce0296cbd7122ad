/** Dialling: one attempt to connect to an address and to prove ourselves there. */
import { isFoundationError, type Connection, type NodeId, type Transport } from "@foundation/core";
import type { PeerIdentity, Refusal } from "../protocol/handshake/handshake.js";
import { DIAL } from "../limits.js";
import type { Admission } from "./admission.js";
import { runHandshake } from "./handshake-run.js";
import type { Handshakes } from "./handshakes.js";
import type { PeerTable } from "./peer-table.js";
import type { Refusals } from "./refusals.js";
import type { World } from "./world.js";

export interface DialRequest {
  /** Whom to reach over other nodes when the address does not answer; undefined: nobody. */
  readonly id?: NodeId | undefined;
  readonly address: string;
  readonly channel: string;
  readonly lane: number;
  /** How it went; called exactly once, unless the overlay is closed meanwhile. */
  done(outcome: DialOutcome): void;
}

export type DialOutcome =
  | { readonly type: "established"; readonly peer: PeerIdentity }
  | { readonly type: "refused"; readonly refusal: Refusal }
  /** The transport's error: ERR_DIAL_REFUSED or ERR_DIAL_FAILED. */
  | { readonly type: "failed"; readonly code: string; readonly reason: string };

export class Dialling {
  readonly #world: World;
  readonly #transport: Transport;
  readonly #handshakes: Handshakes;
  readonly #admission: Admission;
  readonly #table: PeerTable;
  readonly #refusals: Refusals;
  /** Set by the composition: whom this node must not dial, and reaches over others. */
  avoids: ((id: NodeId) => boolean) | undefined;
  readonly #running = new Set<AbortController>();
  /** Reached over other nodes, their addresses did not answer: until when that is believed. */
  readonly #silent = new Map<NodeId, number>();
  /** Set by the composition, where connections may lead over other nodes. */
  relay: { dial(target: NodeId, signal: AbortSignal): Promise<Connection> } | undefined;
  #closed = false;

  constructor(
    world: World,
    transport: Transport,
    handshakes: Handshakes,
    admission: Admission,
    table: PeerTable,
    refusals: Refusals,
  ) {
    this.#world = world;
    this.#transport = transport;
    this.#handshakes = handshakes;
    this.#admission = admission;
    this.#table = table;
    this.#refusals = refusals;
  }

  /** Dials; the returned function gives the attempt up, and does nothing once it is done. */
  dial(request: DialRequest): () => void {
    if (this.#closed) return () => {};
    const attempt = new AbortController();
    this.#running.add(attempt);
    // Twice where there may be a way over other nodes, after the address.
    const { dialTimeoutMs } = this.#world.preset;
    const timeoutMs = this.relay === undefined ? dialTimeoutMs : 2 * dialTimeoutMs;
    const timer = this.#world.clock.setTimer(timeoutMs, () => attempt.abort());
    const done = (outcome: DialOutcome) => {
      timer.cancel();
      if (!this.#running.delete(attempt) || this.#closed) return;
      request.done(outcome);
    };
    this.#connect(request, attempt.signal).then(
      (connection) => {
        timer.cancel();
        if (this.#closed) return connection.close();
        this.#prove(request, connection, attempt.signal, done);
      },
      (error: unknown) => {
        const code = isFoundationError(error) ? error.code : "ERR_DIAL_FAILED";
        done({
          type: "failed",
          code,
          reason: error instanceof Error ? error.message : String(error),
        });
      },
    );
    return () => {
      if (this.#running.has(attempt)) attempt.abort();
    };
  }

  /** Over other nodes where no answer came: a refusal is one. */
  async #connect(request: DialRequest, signal: AbortSignal): Promise<Connection> {
    const { id, address } = request;
    const { relay } = this;
    if (relay === undefined || id === undefined) return this.#direct(address, signal);
    // Who could not be dialled a moment ago has not moved: its channels go the same way.
    if (this.avoids?.(id) === true || this.#isSilent(id)) return relay.dial(id, signal);
    try {
      return await this.#direct(address, signal);
    } catch (error) {
      if (!isFoundationError(error, "ERR_DIAL_FAILED") || signal.aborted) throw error;
      const connection = await relay.dial(id, signal);
      this.#remember(id);
      return connection;
    }
  }

  /** No longer than a dial may take, whatever else is tried. */
  #direct(address: string, signal: AbortSignal): Promise<Connection> {
    const { clock, preset } = this.#world;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    const timer = clock.setTimer(preset.dialTimeoutMs, abort);
    signal.addEventListener("abort", abort, { once: true });
    return this.#transport.dial(address, { signal: attempt.signal }).finally(() => {
      timer.cancel();
      signal.removeEventListener("abort", abort);
    });
  }

  #isSilent(id: NodeId): boolean {
    const untilMs = this.#silent.get(id);
    if (untilMs === undefined) return false;
    if (this.#world.clock.now() < untilMs) return true;
    this.#silent.delete(id);
    return false;
  }

  #remember(id: NodeId): void {
    this.#silent.delete(id);
    this.#silent.set(id, this.#world.clock.now() + DIAL.silentMs);
    const [oldest] = this.#silent.keys();
    if (this.#silent.size > DIAL.silentMax && oldest !== undefined) this.#silent.delete(oldest);
  }

  close(): void {
    this.#closed = true;
    for (const attempt of this.#running) attempt.abort();
    this.#running.clear();
  }

  #prove(
    request: DialRequest,
    connection: Awaited<ReturnType<Transport["dial"]>>,
    signal: AbortSignal,
    done: (outcome: DialOutcome) => void,
  ): void {
    const machine = this.#handshakes.dialer(connection, request.channel, request.lane);
    let proved: (() => void) | undefined;
    const refused = (refusal: Refusal) => {
      const { code, by, reason, claimed } = refusal;
      const about = { by, reason, claimed: claimed?.id };
      this.#refusals.note(code, "outbound", request.address, about);
      // It is one, as its own members say: reached over servers from now on.
      if (code === "ERR_CLIENT_REFUSED" && request.id !== undefined) this.#remember(request.id);
      done({ type: "refused", refusal });
    };
    signal.addEventListener("abort", () => connection.close(), { once: true });
    runHandshake({
      connection,
      clock: this.#world.clock,
      timeoutMs: this.#world.preset.handshakeTimeoutMs,
      machine,
      first: machine.start(),
      judge: (peer, answer) =>
        this.#admission.judge(peer, "us", (refuse) => {
          if (refuse === undefined) proved = this.#admission.ownDialProves(peer);
          answer(refuse);
        }),
      established: (peer) => {
        proved?.();
        // The welcome may have been under way when we gave up: a close lets what comes in arrive.
        if (signal.aborted) {
          return done({ type: "failed", code: "ERR_DIAL_FAILED", reason: "it was given up" });
        }
        if (!this.#admission.keyProved(peer)) {
          connection.close({ reason: "refused", detail: "ERR_NODE_KEY_MISMATCH" });
          const reason = "another node key was proved for its id at the same time";
          return refused({ code: "ERR_NODE_KEY_MISMATCH", by: "us", reason, claimed: peer });
        }
        this.#table.adopt(peer, "us", connection);
        done({ type: "established", peer });
      },
      refused: (refusal) => {
        proved?.();
        refused(refusal);
      },
      lost: (end) => {
        proved?.();
        done({
          type: "failed",
          code: "ERR_DIAL_FAILED",
          reason: `the connection ended: ${end.detail}`,
        });
      },
    });
  }
}
