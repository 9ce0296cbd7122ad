/** ClientSeat: a node that is no voter. It asks the voters, and keeps nothing. */
import { createRemoteEngine } from "@foundation/consensus";
import type { Membership, Messenger, NodeId, Runtime } from "@foundation/core";
import { GROUP, type Seat } from "./seat.js";

export interface ClientSeatOptions {
  readonly overlay: { readonly messenger: Messenger; readonly membership: Membership };
  /** Members that may serve, the best first. */
  readonly voters: () => readonly NodeId[];
  readonly runtime: Pick<Runtime, "clock">;
}

export function clientSeat({ overlay, voters, runtime }: ClientSeatOptions): Seat {
  const { messenger } = overlay;
  const engine = createRemoteEngine({ messenger, name: GROUP, voters, clock: runtime.clock });
  return { engine: () => engine, close: () => engine.close() };
}
