/**
 * DevelopmentSeat: consensus on one machine, for development, without anybody having to say who the voters are.
 *
 * The nodes of a cluster on this machine have one folder, and whoever takes its lock is the only voter; when that process
 * ends, however it ends, another takes the lock and opens the same log. It is no less correct for that: what was
 * acknowledged is on the disk, and there is one voter at a time. It is no more available than the machine.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  createGroupEngine,
  createStoreMachine,
  holdFolder,
  openGroup,
  serveEngine,
  type Engine,
  type FolderVoter,
} from "@foundation/consensus";
import { DisposalStack, type NodeId, type Runtime } from "@foundation/core";
import { runDirectory } from "@foundation/discovery";
import type { Overlay } from "@foundation/overlay";
import { clientSeat } from "./client-seat.js";
import { GROUP, type Seat } from "./seat.js";

export interface DevelopmentSeatOptions {
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  /** The cluster's name. */
  readonly cluster: string;
  readonly runtime: Runtime;
}

export function developmentSeat(options: DevelopmentSeatOptions): Seat {
  return new DevelopmentSeat(options);
}

class DevelopmentSeat implements Seat {
  readonly #options: DevelopmentSeatOptions;
  readonly #client: Seat;
  readonly #closing = new AbortController();
  readonly #stack = new DisposalStack();
  readonly #candidature: Promise<void>;
  #isVoter = false;

  constructor(options: DevelopmentSeatOptions) {
    const { overlay, runtime } = options;
    const { membership } = overlay;
    const { id: self } = membership.self;
    const voters = (): readonly NodeId[] => {
      if (this.#isVoter) return [self];
      // Nobody says who it is: whoever is not, answers so at once.
      return membership.members().flatMap(({ id }) => (id === self ? [] : [id]));
    };
    this.#options = options;
    this.#client = clientSeat({ overlay, voters, runtime });
    this.#candidature = this.#stand();
  }

  engine(): Engine {
    return this.#client.engine();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#candidature;
    await this.#client.close();
    await this.#stack.close();
  }

  /** Waits for the folder as long as it takes: the voter there is may end at any time. */
  async #stand(): Promise<void> {
    const { runtime, cluster } = this.#options;
    const { signal } = this.#closing;
    try {
      const directory = await folderOf(cluster);
      const voter = await holdFolder({ directory, name: GROUP, signal, runtime });
      this.#stack.use(voter);
      await this.#vote(voter);
      this.#isVoter = true;
    } catch (error) {
      if (signal.aborted) return;
      runtime.logger.error("The consensus group of this machine cannot be opened", { error });
    }
  }

  async #vote(voter: FolderVoter): Promise<void> {
    const { overlay, runtime } = this.#options;
    const { clock } = runtime;
    const machine = createStoreMachine();
    const group = this.#stack.use(await openGroup({ ...voter, machine, runtime }));
    await voter.opened();
    const engine = this.#stack.use(createGroupEngine({ group, machine, clock }));
    const { messenger } = overlay;
    this.#stack.defer(serveEngine({ messenger, name: GROUP, group, machine, engine, clock }));
  }
}

/** Private to this user; one for each cluster. */
async function folderOf(cluster: string): Promise<string> {
  const name = createHash("sha256").update(cluster).digest("hex").slice(0, 16);
  return join(await runDirectory(), "consensus", name);
}
