/**
 * openShared: makes the parts of one shared cache on this node and puts them together: who keeps, who asks, who repairs,
 * and where the ring comes from.
 */
import { createCodec } from "@foundation/core";
import type { InboundMessage, NodeId } from "@foundation/core";
import type { Cache } from "../cache.js";
import { Counters } from "../counters.js";
import type { Lifetime } from "../entry-times.js";
import type { CacheLimits, CacheTimes } from "../limits.js";
import { NearCopies } from "../protocol/near-copies.js";
import { Replica } from "../protocol/replica.js";
import type { MakeShelf } from "../protocol/shelf.js";
import { Ring, ringPlacement, viewNumber } from "../protocol/ring.js";
import { Copies } from "./copies.js";
import { EpochAdopter } from "./epoch-adopter.js";
import { EpochFollower, type EpochStore } from "./epoch-follower.js";
import { fields, Keeper } from "./keeper.js";
import { Mending } from "./mending.js";
import type { ResolvedCachePorts } from "./ports.js";
import { Pulls } from "./pulls.js";
import { Reader } from "./reader.js";
import type { Roll } from "./roll.js";
import { SharedCache } from "./shared-cache.js";
import { Standing } from "./standing.js";
import { CHANNEL, seatOf, subjectOf, type Consistency, type Verb, type World } from "./world.js";

/** Everything decided about a shared cache. */
export interface SharedSpec {
  readonly name: string;
  readonly topology: "replicated" | "partitioned";
  readonly replicas: number;
  readonly consistency: Consistency;
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly lifetime: Lifetime;
  readonly near:
    | {
        readonly entriesMax: number;
        readonly bytesMax: number;
        readonly ttlMs: number;
        readonly shelf: MakeShelf;
      }
    | undefined;
  readonly computeMs: number;
  readonly limits: CacheLimits;
  readonly times: CacheTimes;
}

type Handler = (payload: unknown, from: NodeId, signal?: AbortSignal) => unknown;
type Handlers = Readonly<Record<Verb, Handler>>;

async function answerHere(
  handle: Handler,
  payload: unknown,
  self: NodeId,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return handle(payload, self, signal);
}

/** Opens the cache on this node. `onClosed` is called when it has left. */
export function openShared<V>(
  spec: SharedSpec,
  ports: ResolvedCachePorts,
  roll: Roll,
  store: EpochStore | undefined,
  onClosed: () => void,
): Cache<V> {
  const { messenger, membership, runtime } = ports;
  const { name, consistency, limits, times } = spec;
  const self = membership.self.id;
  const closing = new AbortController();
  const counters = new Counters();
  const near =
    spec.near === undefined
      ? undefined
      : new NearCopies<V>(spec.near.entriesMax, spec.near.bytesMax, spec.near.shelf);
  let handlers: Handlers | undefined;
  const world: World = {
    ...{ name, self, consistency, messenger, membership, limits, times },
    clock: runtime.clock,
    logger: runtime.logger,
    codec: createCodec(),
    closed: closing.signal,
    ring: () => standing.ring,
    // This node asks itself without a message; what it is given is never changed.
    ask: (to, verb, payload, timeoutMs, signal) =>
      to === self && handlers !== undefined
        ? answerHere(handlers[verb], payload, self, signal)
        : messenger.request(routes.to(to, verb), payload, { timeoutMs, signal }),
  };
  const routes = new Routes(name);
  const epochs =
    store &&
    new EpochFollower({
      ...{ store, times, clock: runtime.clock, logger: runtime.logger, closed: closing.signal },
      self: seatOf(membership.self),
      openers: () => roll.seats(name),
      areSettled: (epoch) => pulls.areSettled(epoch, roll.openers(name)),
    });
  const standing = new Standing(world, epochs && (() => epochs.confirmedAtMs()));
  const replica = new Replica({
    entriesMax: spec.entriesMax,
    bytesMax: spec.bytesMax,
    tombstonesMax: limits.tombstonesMax,
    onGone: (key, why) => {
      if (why === "evicted") counters.evictions += 1;
      else if (why === "expired") counters.expirations += 1;
      near?.withdraw(key);
    },
  });
  const mending = consistency === "eventual" ? new Mending(world, replica, standing) : undefined;
  const copies = new Copies(world, () => mending?.wantSoon());
  const keeper = new Keeper({ world, replica, standing, copies, computeMs: spec.computeMs });
  const pulls = new Pulls(world, replica, standing);
  handlers = {
    get: (payload, from) => keeper.get(payload, from),
    read: (payload, from) => keeper.read(payload, from),
    write: (payload) => keeper.write(payload),
    lead: (payload, from, signal) => keeper.lead(payload, from, signal),
    fail: (payload) => keeper.fail(payload),
    copy: (payload, from) => keeper.copy(payload, from),
    mend: (payload) => keeper.mend(payload),
    hold: (payload, from) => pulls.hold(payload, from),
    pull: (payload, from) => pulls.answer(payload, from),
    dump: (payload) => pulls.dump(payload),
    digest: (payload) => mending?.digest(payload) ?? [],
    wipe: (payload) => keeper.wipe(payload),
    untag: (payload) => keeper.untag(payload),
    clear: (payload) => keeper.clear(payload),
    near: (payload) => {
      const [key] = fields(payload);
      if (typeof key === "string") near?.withdraw(key);
      else near?.withdrawWhere(() => true);
      return true;
    },
  };
  const stops = serve(handlers, ports, name);

  const adoptView = () => {
    const members = roll.openers(name);
    const before = standing.ring;
    if (before !== undefined && isSame(before.members, members)) return;
    const ring = new Ring(viewNumber(members), members, spec.replicas, placement);
    const known = new Set(before?.members ?? [self]);
    const added = ring.members.filter((id) => !known.has(id));
    const shift = standing.adopt(ring, true, () => added.length === 0);
    void pulls.join(shift, ring, added);
    mending?.wantSoon();
    near?.withdrawWhere((bucket) => shift.moved.has(bucket));
    keeper.release();
  };
  const placement = ringPlacement();
  const adopter = new EpochAdopter(spec.replicas, {
    world,
    standing,
    replica,
    pulls,
    keeper,
    self: membership.self,
  });
  const adopt = epochs === undefined ? adoptView : () => adopter.adopt(epochs);
  const joined = (epochs === undefined ? roll.known(times, closing.signal) : epochs.first()).then(
    () => {
      if (closing.signal.aborted) return;
      adopt();
      stops.push(epochs === undefined ? roll.subscribe(name, adoptView) : epochs.subscribe(adopt));
    },
  );
  stops.push(
    membership.subscribe((event) => {
      if (event.type === "node-down" || event.type === "node-left") keeper.lost(event.node.id);
    }),
  );
  const leave = async () => {
    if (epochs === undefined) await joined;
    // Before the others hear of it, so that who follows has everything when it begins to serve.
    const others = (standing.ring?.members ?? []).filter((id) => id !== self);
    const next = new Ring(viewNumber(others), others, spec.replicas, placement);
    await mending?.handAhead(next).catch(() => undefined);
    roll.close(name);
    if (epochs === undefined && roll.openers(name).length > 0) {
      adoptView();
      await mending?.handOver().catch(() => undefined);
    }
    closing.abort();
    mending?.close();
    standing.close();
    for (const stop of stops) stop();
    onClosed();
  };
  epochs?.follow();
  const reader = new Reader(world);
  const { topology, lifetime } = spec;
  const nearTtlMs = spec.near?.ttlMs ?? 0;
  const parts = { world, topology, replica, standing, reader, counters, lifetime, near, nearTtlMs };
  return new SharedCache<V>({ ...parts, joined, leave });
}

/** Routes are kept: nothing is made for a message but its payload. */
class Routes {
  readonly #name: string;
  readonly #routes = new Map<string, { to: NodeId; channel: string; subject: string }>();

  constructor(name: string) {
    this.#name = name;
  }

  to(
    to: NodeId,
    verb: Verb,
  ): { readonly to: NodeId; readonly channel: string; readonly subject: string } {
    const id = verb + to;
    let route = this.#routes.get(id);
    if (route === undefined) {
      if (this.#routes.size >= ROUTES_MAX) this.#routes.clear();
      route = { to, channel: CHANNEL, subject: subjectOf(verb, this.#name) };
      this.#routes.set(id, route);
    }
    return route;
  }
}

const ROUTES_MAX = 20_000;

function serve(
  handlers: Handlers,
  { messenger }: ResolvedCachePorts,
  name: string,
): (() => void)[] {
  return Object.entries(handlers).map(([verb, handler]) => {
    const onMessage = (message: InboundMessage) =>
      // Only who waits long may cancel; the signal of the others is never made.
      verb === "lead"
        ? handler(message.payload, message.from, message.signal)
        : handler(message.payload, message.from);
    return messenger.handle(subjectOf(verb as Verb, name), onMessage);
  });
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}
