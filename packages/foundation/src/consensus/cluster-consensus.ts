/**
 * ClusterConsensus: the recipes of a cluster over its group, with the seat this node has in it by its configuration.
 *
 * A first voter takes its seat when the node starts, since the others need it; every other node when it is first used.
 */
import { createRecipes, type Engine, type Recipes } from "@foundation/consensus/recipes";
import { coreErrors, openDataDirectory, type Runtime } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Overlay } from "@foundation/overlay";
import type { LoadedConfig } from "../config/load-config.js";
import { foundationErrors } from "../errors.js";
import { lazyEngine } from "./lazy-engine.js";
import type { Seat } from "./seat.js";

export interface ClusterConsensusOptions {
  readonly config: LoadedConfig;
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  readonly runtime: Runtime;
}

export class ClusterConsensus {
  readonly recipes: Recipes;
  readonly #options: ClusterConsensusOptions;
  #seat: Promise<Seat> | undefined;
  #ownStorage: Storage | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ClusterConsensusOptions) {
    const { membership } = options.overlay;
    this.#options = options;
    this.recipes = createRecipes(
      lazyEngine(() => this.#engine()),
      { client: membership.self.name, labels: membership.self.labels, runtime: options.runtime },
    );
    if (this.#isVoter) this.#take().catch(() => undefined);
  }

  /** Gives back what is held, and the seat. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#seat === undefined) return;
    await this.recipes.close();
    const seat = await this.#seat.catch(() => undefined);
    await seat?.close();
    await this.#ownStorage?.close();
  }

  async #engine(): Promise<Engine> {
    return (await this.#take()).engine();
  }

  /** The seat there is: while it is given back, what is held is given back through it. */
  #take(): Promise<Seat> {
    if (this.#closed !== undefined && this.#seat === undefined) {
      const what = "This node's place in the consensus group";
      throw coreErrors.ERR_CLOSED(`${what} is closed: the node has left its cluster`, { what });
    }
    this.#seat ??= this.#open();
    return this.#seat;
  }

  get #voters(): readonly string[] | undefined {
    return this.#options.config.values.consensus?.voters;
  }

  get #isVoter(): boolean {
    const { self } = this.#options.overlay.membership;
    return this.#voters?.includes(self.name) === true;
  }

  async #open(): Promise<Seat> {
    const { config, overlay, runtime } = this.#options;
    const voters = this.#voters;
    const { name, profile } = config.values;
    if (voters === undefined) {
      if (profile !== "development" || runtime.host !== undefined) throw notConfigured(profile);
      const { developmentSeat } = await import("./development-seat.js");
      return developmentSeat({ overlay, cluster: name, runtime });
    }
    if (!this.#isVoter) {
      const { clientSeat } = await import("./client-seat.js");
      const { membersNamed } = await import("./members-named.js");
      return clientSeat({ overlay, voters: membersNamed(overlay.membership, voters), runtime });
    }
    const storage = await this.#storage();
    const { voterSeat } = await import("./voter-seat.js");
    return voterSeat({ overlay, voters, storage, runtime });
  }

  /** A folder of its own where one is named, else the node's. */
  async #storage(): Promise<Storage> {
    const { config, overlay, runtime } = this.#options;
    const { dataDir } = config.values.consensus ?? {};
    if (dataDir !== undefined && dataDir !== config.values.dataDir) {
      this.#ownStorage = await openDataDirectory(dataDir);
      return this.#ownStorage;
    }
    if (runtime.storage !== undefined) return runtime.storage;
    const { name: node } = overlay.membership.self;
    const error = foundationErrors.ERR_VOTER_WITHOUT_DISK(
      `This node, ${node}, is listed in consensus.voters and has no disk, so it cannot vote: set \`dataDir\` to a folder ` +
        "that is kept across restarts, which keeps its identity too",
      { node },
    );
    runtime.logger.error(error.message);
    throw error;
  }
}

function notConfigured(profile: string): Error {
  return foundationErrors.ERR_CONSENSUS_NOT_CONFIGURED(
    `Nobody is named who keeps what the cluster agrees on, and in the ${profile} profile nobody is guessed: set ` +
      '`consensus: { voters: ["my-app-0", "my-app-1", "my-app-2"] }` (names of nodes, the same on every node), or ' +
      "FOUNDATION_VOTERS=my-app-0,my-app-1,my-app-2",
    { profile },
  );
}
