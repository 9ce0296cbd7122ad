/**
 * Many nodes in one process: how long they take to list each other, what each costs, and whether a
 * broadcast reaches all. One lone node is there before, so that what is made once is not counted.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Overlay } from "@foundation/overlay";
import { freePorts } from "../processes/programs.js";
import { memoryNow } from "../security/node-memory.js";
import { WS_MESH } from "./catalogue.js";
import { listsAll, startOverlay } from "./foundation.js";
import type { CrowdFound, CrowdHeard, CrowdTask } from "./messages.js";
import { joinMesh } from "./ws-mesh.js";

const SUBJECT = "formation.news";
const BROADCAST_MS_MAX = 10_000;
/** Links are looked at this often: looking costs a hundredth of it. */
const LOOK_MS = 50;
/** What starting leaves behind is gone after this. */
const REST_MS = 1_000;

process.on("disconnect", () => process.exit(0));
const task = JSON.parse(process.argv[2] ?? "{}") as CrowdTask;
const found = await (task.contestant === WS_MESH ? meshes(task) : overlays(task));
process.send?.({ type: "found", found } satisfies CrowdHeard);

async function overlays({ nodes, topology }: CrowdTask): Promise<CrowdFound> {
  const chosen = topology === undefined ? {} : { topology };
  await startOverlay({ ...chosen, cluster: "alone" });
  const before = await memoryNow();
  const since = startedNow();
  const seed = await startOverlay(chosen);
  const join = () => startOverlay({ ...chosen, peers: [seed.address] });
  const all = [seed, ...(await Promise.all(Array.from({ length: nodes - 1 }, join)))];
  await Promise.all(all.map(({ membership }) => listsAll(membership, nodes)));
  const formed = since();
  const linksThen = linksOf(all).reduce((sum, links) => sum + links, 0) / nodes;
  const linked = topology === undefined ? await everyLink(all, since) : {};
  await sleep(REST_MS);
  const after = await memoryNow();
  return {
    ...formed,
    linksThen,
    ...linked,
    heldBytes: (after.heldBytes - before.heldBytes) / nodes,
    residentBytes: (after.rssBytes - before.rssBytes) / nodes,
    broadcast: await broadcast(all),
  };
}

function linksOf(all: readonly Overlay[]): readonly number[] {
  return all.map((each) => each.observe().links);
}

async function everyLink(all: readonly Overlay[], since: ReturnType<typeof startedNow>) {
  while (linksOf(all).some((links) => links < all.length - 1)) await sleep(LOOK_MS);
  return { linkedMs: since().formedMs };
}

/** Answers how long ago this was called, and what this process has taken since. */
function startedNow(): () => { readonly formedMs: number; readonly cpuMs: number } {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { formedMs: performance.now() - startedMs, cpuMs: (user + system) / 1_000 };
  };
}

/** From the last that came. */
async function broadcast(all: readonly Overlay[]) {
  const reached = new Set<Overlay>();
  let isOver = () => {};
  const over = new Promise<void>((resolve) => {
    isOver = resolve;
  });
  const [origin, ...others] = all.toReversed() as [Overlay, ...Overlay[]];
  for (const each of others) {
    each.broadcast.handle(SUBJECT, () => {
      reached.add(each);
      if (reached.size === others.length) isOver();
    });
  }
  const startedMs = performance.now();
  origin.broadcast.publish(SUBJECT, { text: "news" }, { channel: "events" });
  await Promise.race([over, sleep(BROADCAST_MS_MAX)]);
  return { reached: reached.size / others.length, tookMs: performance.now() - startedMs };
}

async function meshes({ nodes }: CrowdTask): Promise<CrowdFound> {
  const [alonePort = 0, registryPort = 0] = await freePorts(2);
  await joinMesh(1, alonePort, true);
  const before = await memoryNow();
  const since = startedNow();
  const joined = Array.from({ length: nodes }, (_, i) => joinMesh(nodes, registryPort, i === 0));
  await Promise.all((await Promise.all(joined)).map(({ full }) => full));
  const formed = since();
  await sleep(REST_MS);
  const after = await memoryNow();
  return {
    ...formed,
    linksThen: nodes - 1,
    heldBytes: (after.heldBytes - before.heldBytes) / nodes,
    residentBytes: (after.rssBytes - before.rssBytes) / nodes,
  };
}
