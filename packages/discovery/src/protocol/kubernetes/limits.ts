/** Every limit and interval of discovery on Kubernetes, and what happens at it. */
export const kubernetesLimits = {
  /** Objects asked for in one answer to a list; longer lists come in several. */
  pageObjects: 500,
  /** Pages of one list; a longer one is refused and reported. */
  pagesMax: 200,
  /** Objects of one namespace that are kept; a longer list is refused and reported. */
  objectsMax: 20_000,
  /** Lists in a row that are refused for being older than what was seen, or empty; the next one is believed. */
  doubtsMax: 5,
  /** A longer answer to a list is not read to its end, and reported. */
  answerBytesMax: 64 * 1024 * 1024,
  /** A longer line of a watch is not read to its end, and reported: the largest object etcd keeps, thrice. */
  lineBytesMax: 6 * 1024 * 1024,
  /** Bytes read of an answer that is an error. */
  errorBytesMax: 64 * 1024,
  /** A list, or the beginning of a watch, that takes longer has failed. */
  requestMs: 15_000,
  /** A watch ends after this by our own wish, give or take a third, so that no server keeps all of them. */
  watchMs: 300_000,
  /** The server says something once a minute; a watch silent for longer may be half open, and is opened anew. */
  watchSilentMs: 150_000,
  /** A watch that ended sooner and said nothing counts as a failure, lest it be opened in a circle. */
  shortWatchMs: 1_000,
  /** First and longest pause after failures in a row; each is twice as long as the one before. */
  pauseMinMs: 500,
  pauseMaxMs: 30_000,
  /** The longest pause a server may ask for by `Retry-After`. */
  retryAfterMaxMs: 120_000,
  /** After the first list, so long is waited for those of other namespaces. */
  othersMs: 2_000,
  /** Namespaces one strategy may look at, each with a watch of its own; for more, look at all of them. */
  namespacesMax: 16,
  /** A larger file with a token, a namespace or CAs is not read. */
  fileBytesMax: 1024 * 1024,
  /** Characters of an answer that a message quotes. */
  quoteCharsMax: 300,
} as const;
