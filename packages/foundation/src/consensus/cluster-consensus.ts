/**
 * ClusterConsensus: the recipes of a cluster over its group, with the seat this node has in it by its configuration.
 *
 * A candidate takes its seat when the node starts, since the others need it; every other node when it is first used.
 */
import { createRecipes, type Engine, type Recipes } from "@foundation/consensus/recipes";
import { coreErrors, openDataDirectory, parseDuration, type Runtime } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Overlay } from "@foundation/overlay";
import type { LoadedConfig } from "../config/load-config.js";
import { foundationErrors } from "../errors.js";
import { limits } from "../limits.js";
import { lazyEngine } from "./lazy-engine.js";
import { firstVotersOf, mayVote, operatorFounds } from "./placing.js";
import { LeaderNews } from "./leader-news.js";
import type { Seat } from "./seat.js";
import { seats } from "./seats.js";

export interface ClusterConsensusOptions {
  readonly config: LoadedConfig;
  readonly overlay: Pick<Overlay, "messenger" | "membership" | "broadcast">;
  readonly runtime: Runtime;
}

export class ClusterConsensus {
  readonly recipes: Recipes;
  /** Who leads the group, as far as this node has heard. */
  readonly news: LeaderNews;
  readonly #options: ClusterConsensusOptions;
  #seat: Promise<Seat> | undefined;
  #endControl: Promise<() => Promise<void>> | undefined;
  #ownStorage: Storage | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ClusterConsensusOptions) {
    const { overlay, config } = options;
    const { self } = overlay.membership;
    this.#options = options;
    this.news = new LeaderNews(overlay);
    this.recipes = createRecipes(
      lazyEngine(() => this.#engine()),
      { client: self.name, labels: self.labels, runtime: options.runtime },
    );
    if (!mayVote(config.values, self.name)) return;
    const seat = this.#take();
    this.#endControl = this.#control(seat);
    seat.catch(() => undefined);
  }

  /**
   * Whether the cluster has been told who keeps what it agrees on. Without it, in development, the processes of a machine
   * may agree all the same.
   */
  get isConfigured(): boolean {
    const { values } = this.#options.config;
    return firstVotersOf(values) !== undefined || operatorFounds(values);
  }

  /** Whether there is, or can be, a group to ask. */
  get isAvailable(): boolean {
    const { config, runtime } = this.#options;
    return this.isConfigured || (config.values.profile === "development" && !runtime.host);
  }

  /** Gives back what is held, and the seat. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.news.close();
    await (await this.#endControl)?.();
    if (this.#seat === undefined) return;
    await this.#giveBack();
    const seat = await this.#seat.catch(() => undefined);
    await seat?.close();
    await this.#ownStorage?.close();
  }

  /** The last voters to leave find no quorum any more to give anything back to: then it ends with its leases. */
  async #giveBack(): Promise<void> {
    const { clock } = this.#options.runtime;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.setTimer(limits.giveBackMs, resolve);
      this.recipes
        .close()
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
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

  async #open(): Promise<Seat> {
    const { config, overlay, runtime } = this.#options;
    const { name, profile, consensus = {} } = config.values;
    const voters = firstVotersOf(config.values);
    if (!this.isAvailable) throw notConfigured(profile);
    if (!this.isConfigured) {
      const { developmentSeat } = await seats.development();
      return developmentSeat({ overlay, cluster: name, news: this.news, runtime });
    }
    if (!mayVote(config.values, overlay.membership.self.name)) {
      const { clientSeat } = await seats.client();
      const { candidates } = await seats.candidates();
      return clientSeat({ overlay, voters: candidates(overlay.membership, voters ?? []), runtime });
    }
    const storage = await this.#storage();
    const { voterSeat } = await seats.voter();
    const { voters: wanted, replaceAfter, zoneLabel } = consensus.keep ?? {};
    const deadAfterMs = replaceAfter === undefined ? undefined : durationOf(replaceAfter);
    const policy = {
      ...(wanted !== undefined && { voters: wanted }),
      ...(deadAfterMs !== undefined && { deadAfterMs }),
    };
    const { news } = this;
    return voterSeat({ overlay, voters: voters ?? [], storage, policy, zoneLabel, news, runtime });
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
      `This node, ${node}, is to vote and has no disk, so it cannot: set \`dataDir\` to a folder that is kept across ` +
        "restarts, which keeps its identity too",
      { node },
    );
    runtime.logger.error(error.message);
    throw error;
  }

  /** Lets an operator of this machine ask and found, where the node has a folder of it. */
  async #control(seat: Promise<Seat>): Promise<() => Promise<void>> {
    const { config, overlay, runtime } = this.#options;
    const directory = config.values.consensus?.dataDir ?? config.values.dataDir;
    if (directory === undefined || runtime.host !== undefined) return async () => {};
    const taken = await seat.catch(() => undefined);
    if (taken === undefined) return async () => {};
    const { operatorDesk } = await import("./operator-desk.js");
    return operatorDesk({ directory, overlay, seat: taken, runtime });
  }
}

function durationOf(replaceAfter: string | number): number {
  return parseDuration(replaceAfter as Parameters<typeof parseDuration>[0], "replaceAfter");
}

function notConfigured(profile: string): Error {
  return foundationErrors.ERR_CONSENSUS_NOT_CONFIGURED(
    `Nobody is named who keeps what the cluster agrees on, and in the ${profile} profile nobody is guessed: set ` +
      '`consensus: { voters: ["my-app-0", "my-app-1", "my-app-2"] }` (names of nodes, the same on every node), or ' +
      "FOUNDATION_VOTERS=my-app-0,my-app-1,my-app-2",
    { profile },
  );
}
