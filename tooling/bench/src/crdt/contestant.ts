/** What the crdt suite asks of a contestant: a map of texts that is held by one process and joined by another. */

/** One replica of a map. */
export interface Replica {
  readonly size: number;
  /** Writes and deletes as one transaction, or whatever the contestant has for it. */
  batch(write: (map: ReplicaBatch) => void): void;
}

export interface ReplicaBatch {
  set(key: string, value: string): void;
  delete(key: string): void;
}

export interface MapContestant {
  /** Listens; the address is what `join` takes. */
  serve(port: number): Promise<{ readonly address: string }>;
  /** A map of the serving process, and what else a joiner needs to find it. */
  hold(name: string): Promise<{ readonly replica: Replica; readonly where: string }>;
  /** An empty replica in another process; it need not have anything yet. */
  join(address: string, where: string): Promise<Replica>;
}

/** Contestants by name; a process loads only its own. */
export const catalogue: Readonly<Record<string, () => Promise<MapContestant>>> = {
  foundation: async () => (await import("./foundation.js")).foundation,
  "automerge-repo": async () => (await import("../../peers/automerge.js")).automerge,
  "y-websocket": async () => (await import("../../peers/yjs.js")).yjs,
};
