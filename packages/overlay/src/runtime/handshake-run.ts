/** runHandshake: drives one handshake machine over one connection until it ends. */
import type { Clock, Connection, ConnectionEnd } from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import type {
  HandshakeEffect,
  HandshakeInput,
  PeerIdentity,
  Refusal,
} from "../protocol/handshake/handshake.js";

/**
 * Undefined lets the peer in; with ERR_NODE_ID_CLASH comes where the process is that has the id.
 */
export type Answer = (refuse: RefusalCode | undefined, holder?: string) => void;

export interface HandshakeRun {
  readonly connection: Connection;
  readonly clock: Clock;
  /** For all of it; then it ends with ERR_HANDSHAKE_TIMEOUT. */
  readonly timeoutMs: number;
  readonly machine: { handle(input: HandshakeInput): readonly HandshakeEffect[] };
  readonly first: readonly HandshakeEffect[];
  /** May this peer be linked? Answers at once or later. */
  judge(peer: PeerIdentity, answer: Answer): void;
  /**
   * Called in the very callback that brought the last message, so that no later frame is missed.
   */
  established(peer: PeerIdentity): void;
  refused(refusal: Refusal): void;
  /** The connection ended in the middle. */
  lost(end: ConnectionEnd): void;
}

export function runHandshake(given: HandshakeRun): void {
  const { connection, clock } = given;
  // Let go of at its end: `closed` keeps these functions as long as the connection lives, and with
  // them would stay the machine, its messages and the memory they are views of.
  let going: HandshakeRun | undefined = given;
  const timer = clock.setTimer(given.timeoutMs, () => step({ type: "timeout" }));
  const finish = () => {
    going = undefined;
    timer.cancel();
  };
  const step = (input: HandshakeInput) => {
    if (going !== undefined) perform(going, going.machine.handle(input));
  };
  const perform = (run: HandshakeRun, effects: readonly HandshakeEffect[]) => {
    for (const effect of effects) {
      switch (effect.type) {
        case "send":
          connection.send(effect.bytes);
          break;
        case "judge":
          run.judge(effect.peer, (refuse, holder) => step({ type: "verdict", refuse, holder }));
          break;
        case "established":
          finish();
          run.established(effect.peer);
          break;
        case "refused":
          finish();
          connection.onFrame(() => {});
          connection.close({ reason: "refused", detail: effect.refusal.code });
          run.refused(effect.refusal);
          break;
        default:
          effect satisfies never;
      }
    }
  };
  void connection.closed.then((end) => {
    const run = going;
    if (run === undefined) return;
    finish();
    run.lost(end);
  });
  perform(given, given.first);
  connection.onFrame((bytes) => step({ type: "frame", bytes, wallMs: clock.wallNow() }));
}
