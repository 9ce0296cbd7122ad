/** ClientSeat: a node that is no voter. It asks the voters, and keeps nothing. */
import { consensusErrors, createRemoteEngine } from "@foundation/consensus";
import type { Membership, Messenger, NodeId, Runtime } from "@foundation/core";
import { GROUP, type Seat } from "./seat.js";

export interface ClientSeatOptions {
  readonly overlay: { readonly messenger: Messenger; readonly membership: Membership };
  /** Members that may serve, the best first. */
  readonly voters: () => readonly NodeId[];
  readonly runtime: Pick<Runtime, "clock">;
}

export function clientSeat({ overlay, voters, runtime }: ClientSeatOptions): Seat {
  const { messenger, membership } = overlay;
  const engine = createRemoteEngine({ messenger, name: GROUP, voters, clock: runtime.clock });
  return {
    engine: () => engine,
    report: () => ({ seat: "client" }),
    found: () => {
      const { name } = membership.self;
      throw refused(`this node, ${name}, keeps nothing; give the command at a first voter`);
    },
    close: () => engine.close(),
  };
}

/** The error of a word that this node cannot follow. */
export function refused(reason: string): Error {
  return consensusErrors.ERR_FOUNDING_REFUSED(
    `The group "${GROUP}" cannot be founded so: ${reason}; nothing was changed`,
    { group: GROUP, reason },
  );
}
