/**
 * Weather: what a world is like, drawn from its seed: how bad its network is, how slow its disks, how wrong its clocks,
 * and with which times and limits its group runs. A seed names its weather, so that a hunt meets every kind.
 */
import type { Random } from "@foundation/core/ports";
import type { RaftOptions } from "@foundation/consensus";
import type { NetworkConditions } from "./network.js";

export interface Weather extends NetworkConditions {
  readonly voters: number;
  /** With those that may join. */
  readonly members: number;
  /** Of a write, on average. */
  readonly syncMs: number;
  /** Members' steady clocks differ in rate by up to this part. */
  readonly drift: number;
  /** Steady clocks leap ahead by up to this, wall clocks by up to as much as ten times either way. */
  readonly leapMs: number;
  /** Members write to the product's durable log on disks that tear, and not to a model of it. */
  readonly hasDurableLog: boolean;
  /** A crashed member is down for up to this long. */
  readonly downMs: number;
  /** A paused one for up to this long. */
  readonly pauseMs: number;
  readonly raft: Pick<RaftOptions, "times" | "limits" | "lease"> & {
    readonly times: { readonly electionMs: number; readonly heartbeatMs: number } & Readonly<
      Record<"retryMs" | "diskStallMs" | "outcomeMs" | "readMs", number>
    >;
  };
}

const quick = {
  heartbeatMs: 30,
  electionMs: 150,
  retryMs: 100,
  diskStallMs: 600,
  outcomeMs: 2_000,
  readMs: 3_000,
};
/** Those of one data centre. */
const ordinary = {
  heartbeatMs: 100,
  electionMs: 500,
  retryMs: 500,
  diskStallMs: 2_000,
  outcomeMs: 5_000,
  readMs: 10_000,
};
const smallWindows = {
  appendEntriesMax: 2,
  inflightMessagesMax: 2,
  applyEntriesMax: 3,
  uncommittedBytesMax: 1_500,
  readRoundsMax: 1,
};
/** The part of worlds that have the product's durable log: it costs several times as much as a model. */
const DURABLE_LOGS = 0.25;
const LEASE_DRIFT_MAX = 0.1;
const FREE_DRIFT_MAX = 0.3;

export function drawWeather(random: Random, voters: number): Weather {
  const draw = random.next();
  const pick = <T>(...of: readonly [T, ...T[]]): T => {
    return of[Math.floor(random.next() * of.length)] as T;
  };
  const hasLease = draw < 0.3;
  const isSmall = draw > 0.7;
  const isQuick = random.next() < 0.85;
  const chunkBytesMax = pick(64, 400, 262_144);
  return {
    voters,
    members: voters + pick(0, 1, 2),
    loss: pick(0, 0.01, 0.03, 0.1),
    repetition: pick(0, 0.03, 0.1),
    lateness: pick(0, 0.03, 0.1),
    latencyMs: pick(2, 5, 12),
    syncMs: pick(1, 2, 10, 60),
    drift: hasLease ? LEASE_DRIFT_MAX * 0.9 : pick(0, FREE_DRIFT_MAX),
    // A lease is only as good as the clocks: what leaps makes it void, by its contract.
    leapMs: hasLease ? 0 : pick(0, 100, 1_000),
    hasDurableLog: random.next() < DURABLE_LOGS,
    downMs: pick(60, 100, 300, 1_500),
    pauseMs: pick(50, 300, 2_000),
    raft: {
      times: isQuick ? quick : ordinary,
      limits: isSmall ? { ...smallWindows, chunkBytesMax } : { chunkBytesMax },
      ...(hasLease && { lease: { driftMax: LEASE_DRIFT_MAX } }),
    },
  };
}

/** In a line. */
export function weatherText(weather: Weather): string {
  const { voters, members, loss, repetition, lateness, latencyMs, syncMs, drift, raft } = weather;
  const parts = [
    `${voters} voters of ${members} nodes`,
    `loss ${loss}, repetition ${repetition}, lateness ${lateness}, latency ${latencyMs} ms`,
    `${weather.hasDurableLog ? "durable logs on disks" : "model disks"} of ${syncMs} ms, drift ${drift}, election ${raft.times.electionMs} ms`,
    raft.lease ? "reads by lease" : "reads by rounds",
  ];
  return parts.join("; ");
}
