/** Erlang's own registries on three nodes: `global` with 1,000 names, `pg` with 10,000 joins. */
import { erlangNodes } from "../processes/erlang.js";

export const GLOBAL = "erlang-global";
export const PG = "erlang-pg";

const COUNTS = { [GLOBAL]: 1_000, [PG]: 10_000 } as const;
const KINDS = { [GLOBAL]: "global", [PG]: "pg" } as const;

export interface ErlangReading {
  readonly perSecond: number;
  /** From the first registration until both others know all. */
  readonly visibleMs: number;
}

/** @throws {Unavailable} without erl and erlc */
export async function erlangReading(contestant: keyof typeof COUNTS): Promise<ErlangReading> {
  const [kind, count] = [KINDS[contestant], COUNTS[contestant]];
  await using nodes = await erlangNodes("registry_peer");
  const seed = "owner@127.0.0.1";
  const [owner, ...others] = ["owner", "second", "third"].map((name) =>
    nodes.start(name, "start", [seed, kind]),
  );
  if (owner === undefined) throw new Error("Three nodes were started");
  await Promise.all([owner, ...others].map((node) => node.answer()));
  const seen = Promise.all(others.map((node) => node.ask(`seen ${count}`)));
  const { beganUs = 0, endedUs = 0 } = await owner.ask(`register ${count}`);
  const last = Math.max(...(await seen).map(({ atUs = Number.NaN }) => atUs));
  return {
    perSecond: (count * 1e6) / (endedUs - beganUs),
    visibleMs: (last - beganUs) / 1_000,
  };
}
