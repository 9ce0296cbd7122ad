/**
 * Every limit of the overlay, by name: what it bounds and what happens at it. A queue, a frame, a
 * retry or a cache without a line here is a bug.
 */
import type { Duration } from "@foundation/core";

/** Frames and messages. */
export const FRAME = {
  /** A batch is written once it holds this many bytes, even before the turn ends. */
  batchBytes: 64 * 1024,
  /**
   * The largest frame on the wire, or less where the transport says so; it closes the connection at
   * a larger one.
   */
  bytesMax: 1024 * 1024,
  /** A transport that takes less is refused with ERR_INVALID_ARGUMENT. */
  bytesMin: 8 * 1024,
  /**
   * Kept free for headers: an encoded payload larger than the frame less this is refused with
   * ERR_MESSAGE_TOO_LARGE.
   */
  headBytesMax: 64,
  /** A link that has written nothing for so long keeps no memory for what it writes. */
  slabRestMs: 2_000,
} as const;

/** Before a peer has proved that it knows the secret. */
export const HANDSHAKE = {
  /** A larger frame ends the handshake with ERR_HANDSHAKE_MALFORMED. */
  frameBytesMax: 4 * 1024,
  /**
   * All that an unproved connection may send; then it is closed and nothing more is read. Twice the
   * two frames of a dialer, with their WebSocket headers.
   */
  strangerBytesMax: 16 * 1024,
  /** The whole handshake; then it ends with ERR_HANDSHAKE_TIMEOUT. */
  timeoutMs: 3_000,
  /**
   * Connections in their handshake, in all; a further one is refused with ERR_TOO_MANY_HANDSHAKES.
   */
  pendingMax: 128,
  /** The same for one address. Loopback is exempt: all nodes of one machine share that address. */
  pendingPerAddressMax: 16,
  /**
   * A peer whose wall clock is further ahead is refused with ERR_CLOCK_SKEW: hybrid timestamps
   * would be dragged on.
   */
  clockAheadMsMax: 500,
  nonceBytes: 32,
  proofBytesMax: 256,
  /** Names of keys in a hello: as many as a key ring holds. */
  keyNamesMax: 8,
  /** Ed25519: the public half, and a signature. */
  nodeKeyBytes: 32,
  signatureBytes: 64,
  clusterCharsMax: 128,
  nameCharsMax: 255,
  addressCharsMax: 255,
  /** How long a holder of a node id has to answer before a newer boot of that id replaces it. */
  holderPingMs: 1_000,
} as const;

/**
 * Connections that have not proved themselves yet, from the first packet on; each that is ended is
 * counted by the limit's name (`overlay_stranger_limits_total`). The rules for one address do not
 * hold for loopback, nor for an address of which a member is connected: there many share one.
 */
export const DOOR = {
  /**
   * In all; a further one takes the place of the oldest, if that is older than `strangerGraceMs`,
   * and is refused otherwise.
   */
  strangersMax: 128,
  /** An honest handshake takes some milliseconds; whoever takes longer makes room in a flood. */
  strangerGraceMs: 1_000,
  /**
   * New strangers in a second, of all addresses, loopback's too: each costs work before it has
   * proved anything. As many may come at once after a pause.
   */
  strangersPerSecondMax: 500,
  /** After a refusal for want of room everybody is turned away unseen for so long: it costs least. */
  shutMs: 20,
  /** Of one address (of IPv6: one network of 64 bits). */
  strangersPerAddressMax: 16,
  /** New connections of one address in a second; as many may come at once after a pause. */
  arrivalsPerSecondMax: 32,
  /** Failures of one address in `failureWindowMs`; then it is refused for `refusalMs`. */
  failuresMax: 5,
  failureWindowMs: 60_000,
  refusalMs: 60_000,
  /**
   * A key for TLS that is not known counts as a failure only so much later, and not at all if its
   * address proves itself until then: whoever has several keys tries one after the other, and many
   * may share an address.
   */
  keyGraceMs: 3_000,
  /** So many unknown keys of one address in `failureWindowMs` count at once. */
  keyFailuresMax: 64,
  /** Addresses without a connection that are remembered; the one left longest ago is forgotten. */
  addressesMax: 10_000,
  /** Connections that are proved; beyond it no new one is taken. */
  membersMax: 16_384,
} as const;

/** Links and their queues. */
export const LINK = {
  /** `send` waits while more than this is queued. */
  highWaterBytes: 1024 * 1024,
  /** Waiting sends go on when the queue has fallen to this. */
  lowWaterBytes: 256 * 1024,
  /** `trySend` answers "full" and `broadcast` skips the member above this. */
  queueBytesMax: 8 * 1024 * 1024,
  /**
   * Replies pass the limit above, since dropping them loses work; a peer this far behind is
   * disconnected.
   */
  stalledBytesMax: 128 * 1024 * 1024,
  /** Sends waiting for room; a further one is refused with ERR_QUEUE_FULL. */
  waitersMax: 10_000,
  /** Bytes of their messages; while there are more, a further send is refused the same way. */
  waitingBytesMax: 64 * 1024 * 1024,
  /**
   * Channels to one peer; a further name is refused with ERR_INVALID_ARGUMENT, and one that the
   * peer opens with ERR_TOO_MANY_CHANNELS.
   */
  channelsMax: 64,
  lanesMax: 16,
  /** A queue of a link that could not be opened for this long is dropped. */
  openTimeoutMs: 5_000,
  /** Newest boots remembered, to refuse older ones. */
  bootsMax: 10_000,
  /** Node keys remembered, to refuse others for the same id; the one proved longest ago is forgotten. */
  pinnedKeysMax: 10_000,
  closeTimeoutMs: 2_000,
  /** Links that no topology wants are closed when nothing was sent on them for so long. */
  idleMs: 60_000,
  /** … and after this time when nothing ever was. */
  unusedMs: 10_000,
  idleCheckMs: 5_000,
  /** Whoever was asked whether they may be closed answers within this time, or they are closed without it. */
  restAnswerMs: 5_000,
  /** Peers with such links; of more, those unused longest are closed as soon as they are idle. */
  transientMax: 64,
} as const;

/** Broadcasts that travel from neighbour to neighbour; see plumtree/limits.ts for their trees. */
export const BROADCAST = {
  /** Handlers under way that answered with a promise; while there are more, further ones are dropped. */
  handlingMax: 10_000,
  /** Broadcasts of nodes that are no members yet wait so long for that; then they are dropped. */
  earlyMs: 5_000,
  earlyMax: 1_000,
  earlyBytesMax: 8 * 1024 * 1024,
  /** Newest values of one origin whose place in its order is remembered; of more, the first noted are forgotten. */
  latestMax: 1_000,
  /** After a full mesh copies still go to each member for so long: the tree grows meanwhile. */
  afterMeshMs: 2_000,
  /** Until everybody is linked, but no longer, a new full mesh uses the tree. */
  beforeMeshMs: 10_000,
  /** A tree in a new full mesh takes neighbours that come up until it has so many: its own may be gone. */
  youngMeshNeighboursMin: 4,
} as const;

/** Flow control: lanes and byte streams. */
export const FLOW = {
  /** Bytes kept with the connection itself; everything else waits in its link, by priority. */
  socketBytesMax: 256 * 1024,
  /**
   * A larger message travels in chunks of this size, a stream in pieces of at most this size. Half of
   * what Node reads at once: most chunks then lie in one read and need no memory of their own, which
   * doubled what bulk moves (measured: 600 to 1,000 MB/s).
   */
  chunkBytes: 32 * 1024,
  /**
   * A smaller chunk that is not its message's last closes the link: a part costs memory beside its
   * bytes, which alone are counted.
   */
  chunkBytesMin: 1024,
  /** What a peer may send on one lane before its receiver has consumed any of it. */
  windowBytes: 1024 * 1024,
  /** The smallest and the largest first window of a lane that can be asked for. */
  windowBytesMin: 64 * 1024,
  windowBytesMax: 16 * 1024 * 1024,
  /** Windows grow to so many times their first size, where the round trip asks for it. */
  windowGrowthMax: 16,
  /** What the opener of a stream may send before the consumer has taken any of it. */
  streamWindowBytes: 256 * 1024,
  /** What all windows of one node may grow by together; then they stay as they are. */
  budgetBytesMax: 64 * 1024 * 1024,
  /** Windows do not grow for shorter round trips: they would only lengthen queues. */
  growRoundTripMsMin: 0.5,
  /** While a lane is busy the round trip to its peer is measured so often, where nothing queues. */
  measureMs: 1_000,
  /** A larger message is refused with ERR_MESSAGE_TOO_LARGE: use a stream. */
  messageBytesMax: 64 * 1024 * 1024,
  /** Frames kept for a peer that has not confirmed them; while there are more, none is written. */
  retainBytesMax: 4 * 1024 * 1024,
  /** What a reliable lane keeps for a peer that was declared down, should its same start return. */
  resumeMs: 60_000,
  /** Memory of large messages that is kept for the next ones. */
  poolBytesMax: 8 * 1024 * 1024,
  /** Frames of a reliable lane are counted back at least this often while they come. */
  ackDelayMs: 100,
  /** A stopped link goes on when its connection's queue has fallen to this. */
  socketBytesLow: 64 * 1024,
  /** A peer whose connection takes nothing for so long is disconnected. */
  stalledMsMax: 30_000,
  /** Parts of messages of one peer that are not whole yet; above it the link is closed. */
  assemblyBytesMax: 128 * 1024 * 1024,
  /** A peer that sends so much more than it may is disconnected: a frame may have been on its way. */
  overdraftBytesMax: 1024 * 1024,
  /** The payload of a ping. */
  pingBytesMax: 4 * 1024,
  /**
   * Bytes of all streams of a node that their consumers have not taken; above it further pieces use
   * up the window of their lane too.
   */
  streamsHeldBytesMax: 64 * 1024 * 1024,
  /** Streams with one peer in one direction; a further one is refused with ERR_QUEUE_FULL. */
  streamsMax: 1_000,
} as const;

/** What one peer may take of this node, so that nobody else waits for it. */
export const FAIR = {
  /** What one link may bring in one turn of the event loop; then it is not read until the next. */
  turnBytesMax: 512 * 1024,
  turnMsMax: 0.5,
  /**
   * While so much waits for a peer, answers to it above all, its further messages are charged for
   * `withheldMs`, whatever their handlers do: who asks and does not read is given less to ask with.
   * Above what `trySend` accepts, so that two busy peers do not hold each other up.
   */
  unreadBytesMax: 10 * 1024 * 1024,
  withheldMs: 250,
  /** A link with more pings in a second is closed: whoever wants a sign of life waits for one. */
  pingsPerSecondMax: 5_000,
  /**
   * Pings that an application may ask for over one link in a second; a further one is refused with
   * ERR_QUEUE_FULL. Half, since the seconds of both sides do not begin together.
   */
  pingsAskedPerSecondMax: 2_000,
  /**
   * A link with so many messages whose payload is none is closed: it is broken, or means harm.
   */
  undecodableMax: 100,
  /**
   * A payload that does not inflate to what it claims counts as so many: no honest node sends one, and each costs
   * what a hundred messages do.
   */
  bombWeight: 25,
} as const;

/** How busy members are, told to those they are linked to. */
export const LOAD = {
  /** In a larger cluster nobody tells: who has to know asks. */
  membersMax: 100,
  /** A share that has moved by less since it was told is not told again. */
  stepMin: 0.1,
} as const;

/** Dialling again after a failure: doubled each time, times a random factor from 0.5 to 1. */
export const DIAL = {
  /** Of nodes that start together one dials before the other listens: it is there a moment later. */
  backoffMsMin: 25,
  backoffMsMax: 5_000,
  /** One attempt, the handshake included. */
  timeoutMs: 5_000,
  /** Addresses wanted at the same time; more are ignored with a warning. */
  targetsMax: 20_000,
  /** Who was reached over other nodes is not dialled directly for so long; of so many that is known. */
  silentMs: 600_000,
  silentMax: 1_000,
} as const;

/** Requests. */
export const RPC = {
  /** Requests of this node that wait for a reply; a further one is refused with ERR_QUEUE_FULL. */
  pendingMax: 10_000,
  /**
   * Requests of one peer that wait for their handlers; a further one is answered with
   * ERR_QUEUE_FULL. Who has cancelled, or is gone, waits no more, even if its handler ignores that.
   */
  inboundMax: 10_000,
  timeoutMsDefault: 5_000,
  /** Also what fits the 32 bits of the header. */
  timeoutMsMax: 0xffffffff,
  /** Deadlines are looked at no more often than this, by one timer for all of them. */
  deadlineGranularityMs: 5,
} as const;

/** Subjects. */
export const SUBJECT = {
  charsMax: 255,
  /** Hashes of subjects kept by the sender; beyond it they are computed for each message. */
  cacheMax: 10_000,
} as const;

/** Log lines about refusals: one for each code in this time; the rest is counted. */
export const REFUSAL_LOG_INTERVAL: Duration = "5s";
