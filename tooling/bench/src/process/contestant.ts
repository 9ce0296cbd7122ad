/** What the process suite asks of a contestant: something that is called, told and started, here and in another process. */
import type { Ports } from "../contestants/contestant.js";

/** One side that is called: echoes what it is given, and counts what it is told. */
export interface Caller {
  /** Calls what runs in this process. */
  local(payload: unknown): Promise<unknown>;
  /** Calls what runs in the other process. */
  remote(payload: unknown): Promise<unknown>;
  /** Tells what runs in this process; a promise where it wants to be awaited. */
  cast(payload: unknown): unknown;
  /** What was told and has been handled. */
  casts(): number;
  /** Starts one more; the function ends it. Absent where there is no such thing. */
  start?(): Promise<() => Promise<void>>;
}

export interface ProcessContestant {
  serve(ports: Ports): Promise<{ readonly address: string }>;
  connect(address: string, ports: Ports): Promise<Caller>;
}

/** Contestants that are Node's, by name; a process loads only its own. */
export const catalogue: Readonly<Record<string, () => Promise<ProcessContestant>>> = {
  foundation: async () => (await import("./foundation.js")).foundation,
  "moleculer-0.15": async () => (await import("./moleculer.js")).moleculer("0.15", false),
  "moleculer-0.15-copying": async () => (await import("./moleculer.js")).moleculer("0.15", true),
  "moleculer-0.14": async () => (await import("./moleculer.js")).moleculer("0.14", false),
};
