/** Every limit and time of routing, by name; options may put others in their place. */

export const routingLimits = {
  /** Nodes whose neighbours are remembered; the list heard longest ago is forgotten. */
  listsMax: 10_000,
  /** Neighbours in one list; a message with more is malformed, and of our own the first are told. */
  neighborsMax: 512,
  /** Neighbours in all lists together; beyond it the lists heard longest ago are forgotten. */
  edgesMax: 200_000,
  /** Links a route leads over: what relayed connections take. */
  hopsMax: 12,
  /** Up to so many members lists come with membership, and nobody is told or asked. */
  piggybackMax: 100,
  /** Nodes that one request asks about; more make it malformed. */
  aboutMax: 8,
  /** Lists in one reply, and neighbours in them together. */
  listsPerReplyMax: 16,
  neighborsPerReplyMax: 1_024,
  /** Requests of one node that are answered in a second; the rest is dropped. */
  requestsPerSecondMax: 64,
  /** Nodes whose requests are counted; the one that asked first is forgotten. */
  askersMax: 1_024,
  /** Searches at once; a further one finds nothing. */
  searchesMax: 64,
  /** Nodes asked in one search, at most, and at once. */
  askedMax: 48,
  askedAtOnceMax: 6,
} as const;

export type RoutingLimits = { readonly [Name in keyof typeof routingLimits]: number };

/** In milliseconds. */
export const routingTimes = {
  /** Own changes are told together after this. */
  tellMs: 1_000,
  /** Where lists are not told, what was heard longer ago than this is forgotten: links may have changed. */
  freshMs: 5_000,
  /** Who has not answered by then is not waited for any more. */
  answerMs: 500,
} as const;

export type RoutingTimes = { readonly [Name in keyof typeof routingTimes]: number };
