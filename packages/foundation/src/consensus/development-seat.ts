/**
 * DevelopmentSeat: consensus on one machine, for development, without anybody having to say who the voters are.
 *
 * The nodes of a cluster on this machine have one folder, and whoever takes its lock is the only voter; when that process
 * ends, however it ends, another takes the lock and opens the same log. It is no less correct for that: what was
 * acknowledged is on the disk, and there is one voter at a time. It is no more available than the machine.
 */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  createGroupEngine,
  createStoreMachine,
  openGroup,
  serveEngine,
  type Engine,
  type GroupLink,
} from "@foundation/consensus";
import {
  coreErrors,
  DisposalStack,
  loadIdentity,
  openDataDirectory,
  type NodeId,
  type Runtime,
} from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import { runDirectory } from "@foundation/discovery";
import type { Overlay } from "@foundation/overlay";
import { limits } from "../limits.js";
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

  /** Tries to become the voter, again and again: the one there is may end at any time. */
  async #stand(): Promise<void> {
    const { runtime, cluster } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const storage = await openDataDirectory(await folderOf(cluster));
        this.#stack.defer(() => storage.close());
        await this.#vote(storage);
        this.#isVoter = true;
        return;
      } catch (error) {
        // Another process is the voter.
        if (!coreErrors.ERR_DATA_IN_USE.is(error)) {
          runtime.logger.error("The consensus group of this machine cannot be opened", { error });
          return;
        }
      }
      await runtime.clock.sleep(limits.developmentVoterMs, { signal }).catch(() => undefined);
    }
  }

  async #vote(storage: Storage): Promise<void> {
    const { overlay, runtime } = this.#options;
    const { clock } = runtime;
    // The voter is whoever has the folder, so its id stands in there and not with the node.
    const { id } = await loadIdentity({ ...runtime, storage });
    const machine = createStoreMachine();
    const group = this.#stack.use(
      await openGroup({
        ...{ group: GROUP, link: alone(id), machine, storage, runtime },
        firstVoters: [id],
      }),
    );
    const engine = this.#stack.use(createGroupEngine({ group, machine, clock }));
    const { messenger } = overlay;
    this.#stack.defer(serveEngine({ messenger, name: GROUP, group, machine, engine, clock }));
  }
}

/** One voter has nobody to talk to. */
function alone(self: NodeId): GroupLink {
  return { self, send: () => false, open: () => () => {} };
}

/** Private to this user; one for each cluster. */
async function folderOf(cluster: string): Promise<string> {
  const name = createHash("sha256").update(cluster).digest("hex").slice(0, 16);
  const folder = join(await runDirectory(), "consensus", name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}
