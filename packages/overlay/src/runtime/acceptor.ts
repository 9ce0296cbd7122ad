/**
 * Acceptor: takes connections of strangers and lets them prove themselves, a bounded number at a
 * time.
 *
 * Loopback addresses are exempt from the bound for one address, because all nodes of a machine
 * share them; the bound for all addresses together holds for them too.
 */
import type { Connection } from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import { HANDSHAKE } from "../limits.js";
import type { PeerIdentity } from "../protocol/handshake/handshake.js";
import { encodeHandshake } from "../protocol/handshake/messages.js";
import type { Admission } from "./admission.js";
import { runHandshake } from "./handshake-run.js";
import type { Handshakes } from "./handshakes.js";
import type { Refusals } from "./refusals.js";
import type { World } from "./world.js";

export class Acceptor {
  readonly #world: World;
  readonly #handshakes: Handshakes;
  readonly #admission: Admission;
  readonly #admitted: (peer: PeerIdentity, connection: Connection) => void;
  readonly #refusals: Refusals;
  readonly #pending = new Map<Connection, string>();
  /** Set by the composition: who is refused because both are clients. */
  isClient: ((peer: PeerIdentity) => boolean) | undefined;
  #closing = false;

  /** @param admitted takes over a connection whose peer has proved itself */
  constructor(
    world: World,
    handshakes: Handshakes,
    admission: Admission,
    admitted: (peer: PeerIdentity, connection: Connection) => void,
    refusals: Refusals,
  ) {
    this.#world = world;
    this.#handshakes = handshakes;
    this.#admission = admission;
    this.#admitted = admitted;
    this.#refusals = refusals;
  }

  /** @param isRelayed it leads over other nodes: nobody dialled this one */
  accept(connection: Connection, isRelayed = false): void {
    const host = hostOf(connection.remote);
    const refusal = this.#closing ? "ERR_SHUTTING_DOWN" : this.#overLimit(host);
    if (refusal !== undefined) return this.#refuse(connection, refusal);
    this.#pending.set(connection, host);
    const done = () => this.#pending.delete(connection);
    runHandshake({
      connection,
      clock: this.#world.clock,
      timeoutMs: this.#world.preset.handshakeTimeoutMs,
      machine: this.#handshakes.acceptor(connection),
      first: [],
      judge: (peer, answer) => {
        if (this.#closing) answer("ERR_SHUTTING_DOWN");
        else if (!isRelayed && this.isClient?.(peer) === true) answer("ERR_CLIENT_REFUSED");
        else this.#admission.judge(peer, "peer", answer);
      },
      established: (peer) => {
        done();
        if (this.#admission.keyProved(peer)) return this.#admitted(peer, connection);
        const code = "ERR_NODE_KEY_MISMATCH";
        connection.close({ reason: "refused", detail: code });
        const reason = "another node key was proved for its id at the same time";
        this.#refusals.note(code, "inbound", connection.remote, {
          by: "us",
          reason,
          claimed: peer.id,
        });
      },
      refused: ({ code, by, reason, claimed }) => {
        done();
        this.#refusals.note(code, "inbound", connection.remote, {
          by,
          reason,
          claimed: claimed?.id,
        });
      },
      lost: ({ reason }) => {
        done();
        // Closed before its first message could be read: no node does that. An end is ordinary.
        if (reason === "protocol") this.#noteMalformed(connection);
      },
    });
  }

  /** Refuses everybody from now on, those in the middle of their handshake included. */
  close(): void {
    this.#closing = true;
    for (const connection of this.#pending.keys()) this.#reject(connection, "ERR_SHUTTING_DOWN");
    this.#pending.clear();
  }

  #noteMalformed(connection: Connection): void {
    // The end's detail may be the stranger's own text, which no log line of ours repeats.
    const reason = "it sent text, or more than a frame may hold, where a binary frame belongs";
    this.#refusals.note("ERR_HANDSHAKE_MALFORMED", "inbound", connection.remote, {
      by: "us",
      reason,
    });
  }

  #overLimit(host: string): RefusalCode | undefined {
    if (this.#pending.size >= HANDSHAKE.pendingMax) return "ERR_TOO_MANY_HANDSHAKES";
    if (isLoopbackHost(host)) return undefined;
    let same = 0;
    for (const other of this.#pending.values()) if (other === host) same += 1;
    return same >= HANDSHAKE.pendingPerAddressMax ? "ERR_TOO_MANY_HANDSHAKES" : undefined;
  }

  #refuse(connection: Connection, code: RefusalCode): void {
    this.#reject(connection, code);
    const isFull = code === "ERR_TOO_MANY_HANDSHAKES";
    const reason = isFull ? "too many handshakes are going on" : "this node is leaving";
    this.#refusals.note(code, "inbound", connection.remote, {
      by: "us",
      reason,
      limit: isFull ? "pendingMax" : undefined,
    });
  }

  #reject(connection: Connection, code: RefusalCode): void {
    connection.send(encodeHandshake({ type: "reject", code, versions: this.#handshakes.versions }));
    connection.close({ reason: "refused", detail: code });
  }
}

function hostOf(remote: string): string {
  const at = remote.lastIndexOf(":");
  return at < 0 ? remote : remote.slice(0, at);
}

function isLoopbackHost(host: string): boolean {
  return host.startsWith("127.") || host === "::1" || host.startsWith("::ffff:127.");
}
