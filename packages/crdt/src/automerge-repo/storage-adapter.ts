/** DataDirectoryStorageAdapter: automerge-repo's storage on the Storage port, and so on a node's data directory. */
import type { StorageAdapterInterface } from "@automerge/automerge-repo";
import { nodeRuntime, type Clock, type Storage } from "@foundation/core";
import { KeyedFiles } from "../documents/keyed-files.js";

export interface DataDirectoryStorageAdapterOptions {
  /** Where to keep it: the node's own, or that of another directory. */
  readonly storage: Storage;
  /** The folder inside, `[a-z0-9._-]`; one for each repository. @default "automerge" */
  readonly folder?: string;
  /** Orders values that are saved after a restart behind older ones. @default Node's */
  readonly clock?: Pick<Clock, "wallNow">;
}

/**
 * Keeps a repository's documents in a data directory.
 *
 * @example
 * ```ts
 * import { Repo } from "@automerge/automerge-repo"
 * import { openDataDirectory } from "@foundation/core"
 * import { DataDirectoryStorageAdapter } from "@foundation/crdt/automerge-repo"
 *
 * export async function open(folder: string) {
 *   const storage = await openDataDirectory(folder)
 *   return new Repo({ storage: new DataDirectoryStorageAdapter({ storage }) })
 * }
 * ```
 */
export class DataDirectoryStorageAdapter extends KeyedFiles implements StorageAdapterInterface {
  constructor({ storage, folder = "automerge", clock }: DataDirectoryStorageAdapterOptions) {
    super(storage, folder, clock ?? nodeRuntime().clock);
  }
}
