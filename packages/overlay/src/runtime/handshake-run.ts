/** runHandshake: drives one handshake machine over one connection until it ends. */
import type { Clock, Connection, ConnectionEnd } from "@foundation/core";
import type { RefusalCode } from "../errors.js";
import { HANDSHAKE } from "../limits.js";
import type {
  HandshakeEffect,
  HandshakeInput,
  PeerIdentity,
  Refusal,
} from "../protocol/handshake/handshake.js";

export interface HandshakeRun {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly machine: { handle(input: HandshakeInput): readonly HandshakeEffect[] };
  readonly first: readonly HandshakeEffect[];
  /** May this peer be linked? Answers at once or later. */
  judge(peer: PeerIdentity, answer: (refuse: RefusalCode | undefined) => void): void;
  /**
   * Called in the very callback that brought the last message, so that no later frame is missed.
   */
  established(peer: PeerIdentity): void;
  refused(refusal: Refusal): void;
  /** The connection ended in the middle. */
  lost(end: ConnectionEnd): void;
}

export function runHandshake(run: HandshakeRun): void {
  const { connection, clock, machine } = run;
  let over = false;
  const timer = clock.setTimer(HANDSHAKE.timeoutMs, () => step({ type: "timeout" }));
  const finish = () => {
    over = true;
    timer.cancel();
  };
  const step = (input: HandshakeInput) => {
    if (!over) perform(machine.handle(input));
  };
  const perform = (effects: readonly HandshakeEffect[]) => {
    for (const effect of effects) {
      switch (effect.type) {
        case "send":
          connection.send(effect.bytes);
          break;
        case "judge":
          run.judge(effect.peer, (refuse) => step({ type: "verdict", refuse }));
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
    if (over) return;
    finish();
    run.lost(end);
  });
  perform(run.first);
  connection.onFrame((bytes) => step({ type: "frame", bytes, wallMs: clock.wallNow() }));
}
