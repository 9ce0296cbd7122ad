/** Limits and intervals of documents. */
export const documentLimits = {
  /** Characters of one part of a storage key, encoded: what a file system takes. */
  keyPartCharsMax: 240,
  /** Files that one range reads at once. */
  readsMax: 16,
  /** UTF-8 bytes of a document's id. */
  idBytesMax: 200,
  /** Documents open on one node; further ones are refused. */
  openMax: 10_000,
  /** `open` waits this long for the nodes that have the document, unless told otherwise. */
  openWaitMs: 5_000,
  /** A stored document that was opened for a peer is let go this long after its last message. */
  servedMs: 60_000,
  /** Changes are written together, at the latest this long after the first of them. */
  saveDelayMs: 50,
  /** A failed write is tried again after this. */
  saveRetryMs: 5_000,
  /** Pieces of a document's log before it is written as one. */
  piecesMax: 64,
  /** The log is at least this large before it is written as one, unless it has too many pieces. */
  compactBytesMin: 65_536,
  /** From this size on, a document is written as one in a worker thread. */
  workerBytesMin: 262_144,
  /** Peers that are not known to have the same are asked anew this often: a link may lose what was under way. */
  renewMs: 10_000,
  /** After a message that could not be sent, a peer is asked again. */
  syncRetryMs: 1_000,
  /** Changes that a slow reader of `changes()` may lie behind. */
  changesMax: 1_000,
} as const;
