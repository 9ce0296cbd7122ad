/** Limits and intervals of gossip, and what happens at them. */
export const gossipLimits = {
  /** A datagram is never larger, so that it is never split on its way: Ethernet carries 1,500, IPv6 always 1,280. */
  datagramBytesMax: 1_200,
  /** A node says it is there this often; jittered by a quarter each way. */
  intervalMs: 2_000,
  /** Options outside of these are refused; what a peer says of its own interval is brought between them. */
  intervalMsMin: 200,
  intervalMsMax: 60_000,
  /** All nodes together aim at no more than this: with more nodes each one speaks more rarely. */
  heartbeatsPerSecond: 50,
  /** A peer goes from the set after so many of its intervals without a word. */
  missesMax: 5,
  /** When a newcomer says hello again after its first one: single datagrams get lost. */
  helloAgainMs: [100, 400],
  /** A newcomer is answered after this, and a random part of a longer time the more nodes would answer. */
  answerMinMs: 5,
  answerSpreadPerPeerMs: 2,
  answerSpreadMsMax: 500,
  /** The first set is offered when somebody was heard, at the latest after this. */
  firstSetMs: 250,
  /** Sessions one datagram names; the others are named by the next ones. */
  greetsMax: 24,
  /** Newcomers that wait to be named; further ones are named when they speak again. */
  greetsWaitingMax: 1_024,
  /** A wall clock this far from ours does not prove that a datagram is new; being named by it does. */
  plausibleSkewMs: 120_000,
  /** Sessions that are kept: peers, and those whose replays are refused. The one unheard for longest goes first. */
  sessionsMax: 4_096,
  /** Counters behind the highest one that are still told apart; older ones are refused. */
  replayWindow: 64,
  /** Characters of an announced address. */
  addressCharsMax: 300,
} as const;
