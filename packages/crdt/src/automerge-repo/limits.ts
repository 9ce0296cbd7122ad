/** Limits of the adapters for automerge-repo. */
export const adapterLimits = {
  /** A hello that is not answered by then is said again, in milliseconds. */
  helloTimeoutMs: 3_000,
  /** The first and the longest pause before a member that did not answer is asked again. */
  helloRetryMinMs: 500,
  helloRetryMaxMs: 30_000,
  /** `whenReady` waits no longer than this for the answers of the members there are. */
  readyMs: 1_000,
  /** Messages that wait for room to one peer; above it the peer is dropped, and greeted anew. */
  waitingMax: 1_000,
  /** Characters of a repository's name. */
  nameCharsMax: 64,
} as const;
