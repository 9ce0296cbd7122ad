/**
 * Presets: the times and windows of an overlay for one kind of network, under one name.
 *
 * A round trip is microseconds on one machine, a millisecond in a data centre and up to a third of a
 * second between continents; the right timeout, and how much must be under way to fill a link, follow from it.
 * The shape is that of memberlist's DefaultLocal/LAN/WANConfig and of Partisan's configuration; where
 * a number differs from theirs, the table in the package's README says why.
 *
 * `lan` is what the limits of this package say; the others say what differs from it. Within a
 * cluster all nodes take the same preset: who waits for longer than others expect is suspected.
 */
import { DIAL, FLOW, HANDSHAKE, LINK } from "./limits.js";
import { membershipTimes, type MembershipTimes } from "./protocol/membership/limits.js";
import { plumtreeTimes, type PlumtreeTimes } from "./protocol/plumtree/limits.js";

/**
 * - `local`: one machine. @default when listening on loopback
 * - `lan`: one data centre, round trips up to 10 ms. @default beyond loopback
 * - `wan`: between data centres, round trips up to 400 ms.
 */
export type PresetName = "local" | "lan" | "wan";

/** Times are in ms, sizes in bytes. */
export interface Preset {
  readonly name: PresetName;
  /** What a peer may send on a lane before this node has consumed any of it. */
  readonly windowBytes: number;
  /**
   * How many times its first size a window grows to, a lane's and a stream's. 1: not at all.
   */
  readonly windowGrowthMax: number;
  /** What all windows of the node may grow by together. */
  readonly budgetBytesMax: number;
  /** What a reliable lane keeps for a peer that has not confirmed it: no more is under way. */
  readonly retainBytesMax: number;
  /** The whole handshake of one connection. */
  readonly handshakeTimeoutMs: number;
  /** One attempt to dial, the handshake included. */
  readonly dialTimeoutMs: number;
  /** What waits for a channel that does not open is dropped after this. */
  readonly openTimeoutMs: number;
  /** A connection that is asked for a sign of life has so long to answer. */
  readonly pingTimeoutMs: number;
  readonly membership: MembershipTimes;
  /** Of broadcasts that travel from neighbour to neighbour. */
  readonly broadcast: PlumtreeTimes;
}

const MIB = 1024 * 1024;

const lan: Preset = {
  name: "lan",
  windowBytes: FLOW.windowBytes,
  windowGrowthMax: FLOW.windowGrowthMax,
  budgetBytesMax: FLOW.budgetBytesMax,
  retainBytesMax: FLOW.retainBytesMax,
  handshakeTimeoutMs: HANDSHAKE.timeoutMs,
  dialTimeoutMs: DIAL.timeoutMs,
  openTimeoutMs: LINK.openTimeoutMs,
  pingTimeoutMs: HANDSHAKE.holderPingMs,
  membership: membershipTimes,
  broadcast: plumtreeTimes,
};

export const presets: Readonly<Record<PresetName, Preset>> = {
  local: {
    ...lan,
    name: "local",
    // Nothing is under way on loopback: a window only has to bridge one turn of the other process.
    // A round trip there is the time that both processes are busy, and no reason to queue more.
    windowGrowthMax: 1,
    // What was announced and not sent along is a millisecond away; the rest is for busy processes.
    broadcast: { ...plumtreeTimes, graftAfterMs: 100, graftRetryMs: 50 },
  },
  lan,
  wan: {
    name: "wan",
    // 1 Gbit/s times 300 ms is 36 MiB: one lane can fill such a link, and begins with a tenth of it.
    windowBytes: 4 * MIB,
    windowGrowthMax: FLOW.windowGrowthMax,
    budgetBytesMax: 256 * MIB,
    retainBytesMax: 64 * MIB,
    // TCP, TLS and the hello take five round trips, and a lost SYN costs one second, then two more.
    handshakeTimeoutMs: 10_000,
    dialTimeoutMs: 15_000,
    // A dial that failed and one more.
    openTimeoutMs: 20_000,
    // Two lost packets in a row, with TCP's minimum of 200 ms and doubling, over 400 ms.
    pingTimeoutMs: 3_000,
    membership: {
      ...membershipTimes,
      periodMs: 5_000,
      probeTimeoutMinMs: 3_000,
      indirectTimeoutMs: 1_500,
      relayTimeoutMs: 1_200,
      // memberlist: 6 periods; a route between continents that changes is away for half a minute.
      suspicionBaseMs: 30_000,
      firstLinkGraceMs: 15_000,
      dialPatienceMs: 5_000,
      doubtMs: 10_000,
      linkEndMaxMs: 5_000,
      syncIntervalMs: 30_000,
      healIntervalMs: 30_000,
    },
    // Three round trips: a payload that comes by a longer way than its announcement is still on it.
    // A graft and its answer take one, and an announcement is no news before that.
    broadcast: {
      ...plumtreeTimes,
      graftAfterMs: 1_200,
      graftRetryMs: 600,
      announceMs: 50,
      pruneRepeatMs: 1_500,
      settleMs: 5_000,
    },
  },
};

/** The preset of a name, or what suits where the node listens. */
export function presetOf(name: PresetName | undefined, isLoopback: boolean): Preset {
  return presets[name ?? (isLoopback ? "local" : "lan")];
}
