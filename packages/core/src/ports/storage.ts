/**
 * Storage: a small flat file store with honest durability, under a node's data directory.
 *
 * Guarantees: `replace` is atomic and durable when it resolves: after a crash the file holds the old or the new bytes.
 * `append` is durable only after a later `sync` of the same file resolved; unsynced bytes may be lost from the end or
 * torn. Operations on one file take effect in the order they were called. Names are `[a-z0-9._-]`, folders by "/".
 * @throws {ERR_STORAGE} from every method, naming file, operation and reason; nothing is retried inside.
 */
export interface Storage {
  /** Names of the files whose name begins with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  /** The whole file, or undefined when there is none. */
  read(file: string): Promise<Uint8Array | undefined>;
  /** Puts `bytes` in the place of the whole file: atomic, durable. */
  replace(file: string, bytes: Uint8Array): Promise<void>;
  /** Adds `bytes` at the end, making the file when there is none. Not durable before `sync`. */
  append(file: string, bytes: Uint8Array): Promise<void>;
  /** Cuts the file to `sizeBytes`. */
  truncate(file: string, sizeBytes: number): Promise<void>;
  /** Makes everything appended to the file so far durable. */
  sync(file: string): Promise<void>;
  /** Removes the file; does nothing when there is none. */
  remove(file: string): Promise<void>;
  /** Waits for what is running and gives up the directory. Idempotent. */
  close(): Promise<void>;
}
