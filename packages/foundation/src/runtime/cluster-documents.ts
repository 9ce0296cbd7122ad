/**
 * ClusterDocuments: `cluster.docs`. A node that opens no document, and has none on disk, pays nothing for them: the part that
 * replicates them is made with the first one.
 */
import { coreErrors, type Runtime } from "@foundation/core";
import { createDocuments, type Documents, type ReplicationPorts } from "@foundation/crdt";

/** Automerge documents of the cluster, by name. */
export type DocsFace = Pick<Documents, "open" | "forget">;

export class ClusterDocuments implements DocsFace {
  readonly #ports: ReplicationPorts & { readonly runtime: Runtime };
  #documents: Documents | undefined;
  #isClosed = false;
  readonly #serving: Promise<void>;

  constructor(ports: ReplicationPorts & { readonly runtime: Runtime }) {
    this.#ports = ports;
    this.#serving = this.#serveStored();
  }

  open: Documents["open"] = async (id, options) => this.#made().open(id, options);

  forget: Documents["forget"] = async (id) => this.#made().forget(id);

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#serving;
    await this.#documents?.close();
  }

  #made(): Documents {
    if (this.#isClosed) {
      throw coreErrors.ERR_CLOSED("This node has left its cluster", { what: "cluster" });
    }
    const { storage } = this.#ports.runtime;
    this.#documents ??= createDocuments({ ...this.#ports, storage });
    return this.#documents;
  }

  /** What is on this node's disk is there for the others, though nobody opens it here. */
  async #serveStored(): Promise<void> {
    const { storage, logger } = this.#ports.runtime;
    try {
      const stored = (await storage?.list("documents/")) ?? [];
      if (stored.length > 0 && !this.#isClosed) this.#made();
    } catch (error) {
      logger.error("The documents on disk cannot be listed", { error });
    }
  }
}
