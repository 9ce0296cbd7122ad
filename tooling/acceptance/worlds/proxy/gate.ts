/** Gate: one connection through the proxy: the dialler's socket, the target's, and a lane each way. */
import type { Socket } from "node:net";
import type { Random } from "@foundation/core";
import { Lane } from "./lane.js";
import { reset } from "./reset.js";
import type { LaneConditions } from "./schedule.js";

export type Side = "dialler" | "target";

export class Gate {
  readonly #sockets: Readonly<Record<Side, Socket>>;
  /** By the side that sends. */
  readonly #lanes: Readonly<Record<Side, Lane>>;
  readonly closed: Promise<void>;

  constructor(sockets: Readonly<Record<Side, Socket>>, random: Random) {
    const { dialler, target } = sockets;
    this.#sockets = sockets;
    this.#lanes = {
      dialler: new Lane({ source: dialler, sink: target, random }),
      target: new Lane({ source: target, sink: dialler, random }),
    };
    this.closed = Promise.all([gone(dialler), gone(target)]).then(() => undefined);
  }

  set(from: Side, conditions: LaneConditions): void {
    this.#lanes[from].set(conditions);
  }

  cut(from: Side, isCut: boolean): void {
    this.#lanes[from].cut(isCut);
  }

  inject(from: Side, bytes: Uint8Array): void {
    this.#lanes[from].inject(bytes);
  }

  /** Carries nothing any more, and tells nobody. */
  blackHole(): void {
    this.#lanes.dialler.blackHole();
    this.#lanes.target.blackHole();
  }

  reset(): void {
    reset(this.#sockets.dialler);
    reset(this.#sockets.target);
  }

  /** The process at this side is gone: the other one learns it as fast as the network lets it. */
  endAt(side: Side): void {
    reset(this.#sockets[side]);
  }

  /** Only this side learns of the end; the other one when it sends, as from an operating system without that socket. */
  resetAt(side: Side): void {
    const other = this.#sockets[side === "dialler" ? "target" : "dialler"];
    this.blackHole();
    reset(this.#sockets[side]);
    other.on("data", () => reset(other));
    other.on("end", () => reset(other));
  }
}

function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });
}
