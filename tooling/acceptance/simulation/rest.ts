/**
 * Rest: what a healed cluster with nothing to do may still do. It keeps in touch, and nothing else: what grows is a leak,
 * and what runs much more often than a heartbeat is a livelock.
 */
import type { Simulator } from "@foundation/testkit";
import type { LinkStats } from "@foundation/overlay";
import { isChannelName, laneCount } from "./channel-names.js";
import type { StackNode } from "./stack-node.js";

/**
 * Bounds of a node at rest, whatever the size of its cluster: membership probes a few others a second. Measured are about 8
 * frames and 20 events with 3 to 20 nodes.
 */
export const restLimits = {
  /** Frames a node sends a second. */
  framesPerSecond: 30,
  /** Events of the whole simulation, for each node and second: frames taken, timers run, lines logged. */
  eventsPerSecond: 80,
  /** Connections between two nodes: the stack's own (coordination, state, processes, events), and those of the workload. */
  channels: 4 + laneCount,
} as const;

/** Gauges that must be the same before and after a long rest. */
const steady = /^(processes_running|membership_members|membership_suspects)/;
const LINKS = "overlay_links";
/** Gauges that must be zero when a node has left. */
const emptied = /^(processes_running|overlay_links|overlay_queue_bytes)/;

/** What one node has done and holds at one moment. */
export interface Holding {
  readonly name: string;
  readonly timers: number;
  readonly frames: number;
  readonly links: number;
  readonly gauges: ReadonlyMap<string, number>;
  /** What its links have not sent, were not confirmed, or have not consumed. */
  readonly waiting: readonly string[];
}

export interface Pulse {
  readonly atMs: number;
  readonly events: number;
  readonly connections: number;
  readonly nodes: readonly Holding[];
}

export function pulseOf(sim: Simulator<StackNode>): Pulse {
  return {
    atMs: sim.clock.now(),
    events: sim.trace.events,
    connections: sim.openConnections,
    nodes: sim.nodes.map(({ name, pendingTimers, app }) => {
      const values = app?.meter.snapshot() ?? new Map<string, number>();
      const gauges = new Map([...values].filter(([key]) => steady.test(key)));
      for (const [table, size] of Object.entries(app?.tables ?? {})) gauges.set(table, size);
      const waiting = app?.channels.links().flatMap(waitingOf) ?? [];
      const frames = values.get('overlay_frames_total{direction="out"}') ?? 0;
      const links = values.get(LINKS) ?? 0;
      return { name, timers: pendingTimers, frames, links, gauges, waiting };
    }),
  };
}

/** Links of the stack carry its heartbeat all the time; what a channel carries is at its end. */
function waitingOf(link: LinkStats): readonly string[] {
  const { channel, lane, peer, queuedBytes, retainedBytes, heldBytes } = link;
  if (!isChannelName(channel) || queuedBytes + retainedBytes + heldBytes === 0) return [];
  const bytes = `${queuedBytes} queued, ${retainedBytes} retained and ${heldBytes} held bytes`;
  return [`${channel}/${lane} with ${peer.slice(0, 8)} has ${bytes}`];
}

/** What was done or kept between two moments of rest that should not have been. */
export function restless(before: Pulse, after: Pulse): readonly string[] {
  const wrong: string[] = [];
  const seconds = (after.atMs - before.atMs) / 1_000;
  const count = after.nodes.length;
  const perNode = (after.events - before.events) / seconds / count;
  if (perNode > restLimits.eventsPerSecond) {
    wrong.push(`${perNode.toFixed(0)} events a second on each node of a cluster at rest`);
  }
  const linked = after.nodes.reduce((sum, { links }) => sum + links, 0);
  if (after.connections !== linked) {
    wrong.push(`${after.connections} ends of connections are open, and nodes have ${linked} links`);
  }
  for (const [index, now] of after.nodes.entries()) {
    const then = before.nodes[index];
    if (then === undefined) continue;
    for (const what of now.waiting) wrong.push(`${now.name}: ${what}`);
    const frames = (now.frames - then.frames) / seconds;
    if (frames > restLimits.framesPerSecond) {
      wrong.push(`${now.name} sends ${frames.toFixed(0)} frames a second at rest`);
    }
    // A channel that broke opens when it is used again, by an exchange at rest at the latest; it has one connection.
    if (now.links > restLimits.channels * (count - 1)) {
      wrong.push(`${now.name} had ${then.links} links and after a rest ${now.links}`);
    }
    // Timers come and go with every round: twice as many are no longer the same rounds.
    if (now.timers > 2 * then.timers + count) {
      wrong.push(`${now.name} had ${then.timers} timers and after a rest ${now.timers}`);
    }
    for (const [key, value] of now.gauges) {
      const was = then.gauges.get(key);
      if (was !== value) wrong.push(`${now.name}: ${key} was ${was} and after a rest ${value}`);
    }
  }
  return wrong;
}

/** What nodes that have left still hold. */
export function leftBehind(sim: Simulator<StackNode>): readonly string[] {
  const left: string[] = [];
  for (const { name, pendingTimers, app } of sim.nodes) {
    if (pendingTimers > 0) left.push(`${name} has ${pendingTimers} timers`);
    for (const [key, value] of app?.meter.snapshot() ?? []) {
      if (emptied.test(key) && value !== 0) left.push(`${name} has ${key} ${value}`);
    }
    const { subscriptions = 0, pendingCalls = 0 } = app?.tables ?? {};
    if (subscriptions > 0) left.push(`${name} has ${subscriptions} subscriptions`);
    if (pendingCalls > 0) left.push(`${name} has ${pendingCalls} calls that wait for a reply`);
  }
  if (sim.openConnections > 0) left.push(`${sim.openConnections} ends of connections are open`);
  return left;
}
