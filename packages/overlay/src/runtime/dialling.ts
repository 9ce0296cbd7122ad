/** Dialling: one attempt to connect to an address and to prove ourselves there. */
import { isFoundationError, type Transport } from "@foundation/core";
import type { PeerIdentity, Refusal } from "../protocol/handshake/handshake.js";
import type { Admission } from "./admission.js";
import { runHandshake } from "./handshake-run.js";
import type { Handshakes } from "./handshakes.js";
import type { PeerTable } from "./peer-table.js";
import type { Refusals } from "./refusals.js";
import type { World } from "./world.js";

export interface DialRequest {
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
  readonly #running = new Set<AbortController>();
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
    const timer = this.#world.clock.setTimer(this.#world.preset.dialTimeoutMs, () =>
      attempt.abort(),
    );
    const done = (outcome: DialOutcome) => {
      timer.cancel();
      if (!this.#running.delete(attempt) || this.#closed) return;
      request.done(outcome);
    };
    this.#transport.dial(request.address, { signal: attempt.signal }).then(
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
