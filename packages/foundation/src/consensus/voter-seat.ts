/**
 * VoterSeat: a node that is named as a first voter: it finds or founds the group with the others, keeps its log, votes, and
 * serves the nodes that are no voters.
 *
 * Until the group is open here, requests of this node go to whoever is open already.
 */
import {
  createGroupEngine,
  createStoreMachine,
  findGroup,
  keepVoters,
  messengerLink,
  openGroup,
  serveEngine,
  type Engine,
  type GroupFinder,
  type GroupEngine,
} from "@foundation/consensus";
import { DisposalStack, type Runtime } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Overlay } from "@foundation/overlay";
import { clientSeat } from "./client-seat.js";
import { membersNamed } from "./members-named.js";
import { GROUP, type Seat } from "./seat.js";

export interface VoterSeatOptions {
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  /** Names of the first voters, this node's among them. */
  readonly voters: readonly string[];
  readonly storage: Storage;
  readonly runtime: Runtime;
}

/** Takes the seat; it goes on by itself until the group is there. */
export function voterSeat(options: VoterSeatOptions): Seat {
  return new VoterSeat(options);
}

class VoterSeat implements Seat {
  readonly #options: VoterSeatOptions;
  readonly #others: Seat;
  readonly #closing = new AbortController();
  readonly #stack = new DisposalStack();
  readonly #opening: Promise<void>;
  #local: GroupEngine | undefined;
  #failure: unknown;

  constructor(options: VoterSeatOptions) {
    const { overlay, runtime } = options;
    const voters = membersNamed(overlay.membership, options.voters);
    this.#options = options;
    this.#others = clientSeat({ overlay, voters, runtime });
    this.#opening = this.#open().catch((error: unknown) => this.#failed(error));
  }

  engine(): Engine {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#local ?? this.#others.engine();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening;
    await this.#others.close();
    await this.#stack.close();
  }

  async #open(): Promise<void> {
    const { overlay, voters, storage, runtime } = this.#options;
    const { messenger, membership } = overlay;
    const firstVoters = { type: "voters", names: voters } as const;
    const ports = { messenger, membership, storage, runtime };
    const finder = this.#stack.use(await findGroup({ ...ports, name: GROUP, firstVoters }));
    const { group: id, folder, firstVoters: founders } = await this.#place(finder);
    const machine = createStoreMachine();
    const link = messengerLink({ messenger, membership, group: id });
    const group = this.#stack.use(
      await openGroup({
        ...{ group: id, folder, link, machine, storage, runtime },
        ...(founders === undefined ? {} : { firstVoters: founders }),
      }),
    );
    await finder.opened(group);
    // As many as are named, or the odd number above: an even one survives no more than the odd one below.
    const policy = { voters: voters.length % 2 === 0 ? voters.length + 1 : voters.length };
    const keeper = keepVoters({
      group,
      membership,
      joined: () => finder.joined(),
      names: new Map((finder.record?.voters ?? []).map((each) => [each.id, each.name])),
      policy,
      runtime,
    });
    this.#stack.use(keeper);
    const { clock } = runtime;
    const engine = this.#stack.use(createGroupEngine({ group, machine, clock }));
    const serving = { messenger, name: GROUP, group, machine, engine, clock };
    this.#stack.defer(serveEngine(serving));
    this.#local = engine;
  }

  /** The other first voters may come much later than this one. */
  #place(finder: GroupFinder) {
    const { signal } = this.#closing;
    return finder.place({ signal, timeout: FOUNDING_MS_MAX });
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure = error;
    this.#options.runtime.logger.error("This node takes no part in the consensus group", { error });
  }
}

/** A day: an operator who starts the voters one after the other must not have to hurry. */
const FOUNDING_MS_MAX = 86_400_000;
