/** Limits and intervals of mDNS (RFC 6762), and what happens at them. Those that are the RFC's carry its section. */
export const mdnsLimits = {
  /** A packet is never larger; what does not fit goes into the next one. */
  packetBytesMax: 1_400,
  /** Everything announced is believed for so long; a killed node's records go after it. */
  ttlS: 120,
  /** A record with less than a second's life is on its way out: goodbyes and flushed ones (§10.1, §10.2). */
  goodbyeMs: 1_000,
  /** Longer lives are cut to this. */
  ttlSMax: 4_500,
  /** Probes before a name is used, the time between them, and the longest wait before the first (§8.1). */
  probes: 3,
  probeIntervalMs: 250,
  /** Who loses a tie between two that probe at once waits so long (§8.2). */
  tieWaitMs: 1_000,
  /** With more conflicts than this within ten seconds names are tried once in five seconds (§8.1). */
  conflictsMax: 15,
  conflictWindowMs: 10_000,
  conflictWaitMs: 5_000,
  /**
   * Announcements of a new or changed record, and the time between them (§8.3: at least a second). What was heard within
   * a second before a replacement stays, so the second announcement comes clearly later than that.
   */
  announcements: 2,
  announceIntervalMs: 1_250,
  /** The first query waits a random time, so that machines switched on together do not ask in one breath (§5.2). */
  firstQueryMsMin: 20,
  firstQueryMsMax: 120,
  /** The pause between queries begins here and doubles up to there (§5.2). */
  queryIntervalMsMin: 1_000,
  queryIntervalMsMax: 60_000,
  /** Answers that several could give wait a random time (§6); those to a truncated query longer (§7.2). */
  answerMsMin: 20,
  answerMsMax: 120,
  truncatedAnswerMsMin: 400,
  truncatedAnswerMsMax: 500,
  /** Who asked for a record that waits to be sent: so many are told apart. */
  askersMax: 64,
  /** The same record is not sent again on one path within this (§6). */
  repeatMs: 1_000,
  /** In defence of a name it may be (§6). */
  defendMs: 250,
  /** Parts of a record's life after which it is asked for again; a random 0 to 2 % is added (§5.2). */
  refreshAt: [0.8, 0.85, 0.9, 0.95],
  /** Questions after the records that an instance still lacks, and the first pause between them; it doubles. */
  resolveTries: 4,
  resolveMs: 500,
  /** Records of one path that are kept; further ones are not taken. */
  recordsMax: 4_096,
  /** Instances of one path whose records are kept: a flood of names costs no more memory. */
  instancesMax: 1_024,
  /** Questions of one packet that are looked at. */
  questionsMax: 64,
  /** Records of one packet that are looked at. */
  packetRecordsMax: 256,
  /** The first set is offered when somebody was found, at the latest after this: who is there has answered. */
  firstSetMs: 400,
  /** Own addresses that are remembered, so that an old announcement of ours is not taken for somebody else's. */
  ownAddressesMax: 64,
} as const;
