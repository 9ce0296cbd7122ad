/** One process of a contestant: server or client, told what to do by its parent. */
import { wsJson, wsMsgpackrBatched } from "./bare-ws.js";
import { EVENT, type BenchClient, type Contestant } from "./contestant.js";
import { foundation } from "./foundation.js";

export const contestants: Readonly<Record<string, Contestant>> = {
  foundation,
  "ws json, one a frame": wsJson,
  "ws msgpackr, batched": wsMsgpackrBatched,
};

/** What the parent asks; each is answered with one message. */
export type Order =
  | { readonly type: "serve"; readonly contestant: string }
  | { readonly type: "connect"; readonly contestant: string; readonly address: string }
  | { readonly type: "calls"; readonly inFlight: number; readonly durationMs: number }
  | { readonly type: "events"; readonly durationMs: number }
  | { readonly type: "count" }
  | { readonly type: "reset" }
  | { readonly type: "cpu" }
  | { readonly type: "close" };

/** Events of one turn of the sender's loop. */
const BURST = 256;
let client: BenchClient | undefined;
let close: (() => Promise<void>) | undefined;
let count = 0;
let firstMs = 0;
let lastMs = 0;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "serve": {
      const server = await contestants[order.contestant]?.serve(onEvent);
      close = () => server?.close() ?? Promise.resolve();
      return server?.address;
    }
    case "connect":
      client = await contestants[order.contestant]?.connect(order.address);
      close = () => client?.close() ?? Promise.resolve();
      return true;
    case "calls":
      return calls(order.inFlight, order.durationMs);
    case "events":
      return events(order.durationMs);
    case "count":
      return { count, elapsedMs: lastMs - firstMs };
    case "reset":
      count = 0;
      return true;
    case "cpu": {
      const { user, system } = process.cpuUsage();
      return user + system;
    }
    case "close":
      await close?.();
      return true;
    default:
      return order satisfies never;
  }
}

function onEvent(): void {
  count += 1;
  // The clock is read once for many events, so that reading it is not what is measured.
  if (count === 1) firstMs = lastMs = performance.now();
  else if (count % 64 === 0) lastMs = performance.now();
}

/** Calls a second, with so many under way at any time. */
async function calls(inFlight: number, durationMs: number): Promise<number> {
  const started = performance.now();
  const until = started + durationMs;
  let done = 0;
  const caller = async () => {
    while (performance.now() < until) {
      await client?.call(EVENT);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return (done / (performance.now() - started)) * 1_000;
}

/** Sends as many events as go; answers how many. */
async function events(durationMs: number): Promise<number> {
  const until = performance.now() + durationMs;
  let sent = 0;
  while (performance.now() < until) {
    for (let i = 0; i < BURST; i += 1) {
      sent += 1;
      if (client?.emit(EVENT) === false) await client.room();
    }
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  return sent;
}

process.on("message", (order: Order) => {
  obey(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
