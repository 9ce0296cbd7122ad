/**
 * Monitors: being told when a process ends, wherever it runs.
 *
 * For a process of another node, that node is asked once, however many listen here; it tells when
 * the process ends, until it is answered. When the node itself goes, the answer is `node-down`, the
 * most that can be known: the process may live on behind a partition. A watcher that seemed to be
 * gone and was not is told that it was forgotten, and asks again. A process that moves has not ended:
 * its watchers are told where it went, and go on watching it there.
 *
 * Invariants: `down` is called at most once, never inside `watch`, and after whoever awaits a call to
 * the process has its answer: an answer takes some promises on its way, so an end is passed on and
 * told only when the turn is over. After the returned function was called `down` is not called at
 * all; the last listener that goes ends the watch on the other node.
 *
 * The answer to a call that was sent on after a move comes by way of the node that the process left, and would be overtaken by
 * the end at its new place. So who watches is told the earlier places, and keeps an end to itself while calls of
 * its own to one of them wait: no longer than those calls may take.
 * Limits: `monitorsMax` watched processes; `forgottenWatchersMax` watchers that seem to be gone.
 */
import {
  coreErrors,
  type Boot,
  type ExitReason,
  type InboundMessage,
  type MembershipEvent,
  type NodeId,
  type Pid,
} from "@foundation/core";
import type { Calls } from "./calls.js";
import { parsePlaces, type EarlierPlaces } from "./earlier-places.js";
import { fromWireReason, parsePid, toWireReason } from "./foundation-errors.js";
import { DOWN, FORGOTTEN, Notices } from "./notices.js";
import type { Successors } from "./successors.js";
import { CHANNEL, isLocal, isMember, type Wiring } from "../wiring.js";

const WATCH = "process.watch";
const UNWATCH = "process.unwatch";

type Down = (reason: ExitReason) => void;

/** What a listener is told: the end, or where the process went. */
type Listener = (reason: ExitReason, to: Pid | undefined) => void;

interface Watched {
  readonly pid: Pid;
  readonly listeners: Set<Listener>;
  /** Where it was before, once its node has told. */
  earlier: readonly Pid[];
}

/** Monitors of this node, and those other nodes asked of it. */
export class Monitors {
  readonly #wiring: Wiring;
  readonly #successors: Successors;
  readonly #earlier: EarlierPlaces;
  readonly #calls: Pick<Calls, "whenAnswered">;
  /** Processes of other nodes that somebody here watches, by pid. */
  readonly #watched = new Map<string, Watched>();
  /** What other nodes watch here: watcher and pid, with the way to stop. */
  readonly #served = new Map<string, { readonly watcher: NodeId; readonly stop: () => void }>();
  /** Nodes that watched something here and went without leaving: whether they are gone is not certain. */
  readonly #forgotten = new Set<NodeId>();
  readonly #notices: Notices;
  readonly #stops: (() => void)[];

  constructor(
    wiring: Wiring,
    successors: Successors,
    earlier: EarlierPlaces,
    calls: Pick<Calls, "whenAnswered">,
  ) {
    this.#wiring = wiring;
    this.#successors = successors;
    this.#earlier = earlier;
    this.#calls = calls;
    this.#notices = new Notices(wiring);
    const { messenger, membership } = wiring;
    this.#stops = [
      messenger.handle(WATCH, (message) => this.#onWatch(message)),
      messenger.handle(UNWATCH, (message) => this.#onUnwatch(message)),
      messenger.handle(DOWN, ({ payload }) => this.#onDown(payload)),
      messenger.handle(FORGOTTEN, ({ from }) => this.#onForgotten(from)),
      membership.subscribe((event) => this.#onMember(event)),
    ];
  }

  /** Calls `down` once when the process ends. Returns the way to stop. @throws {ERR_QUEUE_FULL} */
  watch(pid: Pid, down: Down): () => void {
    let isWanted = true;
    // A Set tells listeners apart by identity, and one function may be given twice.
    const listener: Listener = (reason, to) => {
      if (!isWanted) return;
      if (to === undefined) return this.#call(down, reason);
      try {
        stop = this.#watchAt(to, listener);
      } catch (error) {
        this.#wiring.logger.warn("A moved process cannot be watched any more", { error });
        this.#call(down, reason);
      }
    };
    let stop = this.#watchAt(pid, listener);
    return () => {
      isWanted = false;
      stop();
    };
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const { stop } of this.#served.values()) stop();
    this.#served.clear();
    this.#watched.clear();
    this.#forgotten.clear();
    this.#notices.close();
  }

  #watchAt(pid: Pid, listener: Listener): () => void {
    const { self, membership, clock } = this.#wiring;
    if (isLocal(pid, self)) return this.#watchHere(pid, listener);
    const watched = this.#join(pid, listener);
    if (!isMember(pid, membership)) clock.endOfTurn(() => this.#end(pid, nodeDown(pid)));
    return () => {
      if (!watched.listeners.delete(listener) || watched.listeners.size > 0) return;
      this.#watched.delete(keyOf(pid));
      this.#post(pid.node, UNWATCH, pid);
    };
  }

  #watchHere(pid: Pid, listener: Listener): () => void {
    const { kernel, clock } = this.#wiring;
    return kernel.monitor(pid, (reason) => {
      clock.endOfTurn(() => {
        const to = this.#successorOf(pid, reason);
        if (to !== undefined) return listener(reason, to);
        this.#afterAnswers(this.#earlier.of(pid.serial), () => listener(reason, undefined));
      });
    });
  }

  #successorOf({ serial }: Pid, reason: ExitReason): Pid | undefined {
    return reason.type === "migrated" ? this.#successors.get(serial)?.pid : undefined;
  }

  #join(pid: Pid, listener: Listener): Watched {
    const key = keyOf(pid);
    const known = this.#watched.get(key);
    if (known !== undefined) {
      known.listeners.add(listener);
      return known;
    }
    const limit = this.#wiring.limits.monitorsMax;
    if (this.#watched.size >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(`${limit} processes are watched already (monitorsMax)`, {
        queue: "monitors",
        limit,
        unit: "messages",
      });
    }
    const watched: Watched = { pid, listeners: new Set([listener]), earlier: [] };
    this.#watched.set(key, watched);
    void this.#ask(watched);
    return watched;
  }

  async #ask(watched: Watched): Promise<void> {
    const { pid } = watched;
    const { messenger, limits, logger } = this.#wiring;
    const route = { to: pid.node, channel: CHANNEL, subject: WATCH };
    try {
      const reply = await messenger.request(route, pid, { timeoutMs: limits.timeoutMs });
      watched.earlier = parsePlaces(reply, limits.earlierPlacesMax);
    } catch (error) {
      // Whether it watches is not known, so the listeners are told the most that is: it is out of
      // reach. A `down` that comes all the same finds nobody.
      logger.debug("A process could not be watched", { node: pid.node, error });
      this.#end(pid, nodeDown(pid));
    }
  }

  #end(pid: Pid, reason: ExitReason): void {
    const earlier = this.#watched.get(keyOf(pid))?.earlier ?? [];
    this.#afterAnswers(earlier, () => this.#tell(pid, reason));
  }

  /** Does it when no call to one of the places waits: at once, or in the turn after the last one is answered. */
  #afterAnswers(places: readonly Pid[], then: () => void): void {
    const { clock } = this.#wiring;
    if (!this.#calls.whenAnswered(places, () => clock.endOfTurn(then))) then();
  }

  #tell(pid: Pid, reason: ExitReason, to?: Pid): void {
    const watched = this.#watched.get(keyOf(pid));
    if (watched === undefined) return;
    this.#watched.delete(keyOf(pid));
    for (const listener of [...watched.listeners]) {
      // One that was called before may have ended this one.
      if (!watched.listeners.has(listener)) continue;
      watched.listeners.delete(listener);
      listener(reason, to);
    }
  }

  #call(down: Down, reason: ExitReason): void {
    try {
      down(reason);
    } catch (thrown) {
      this.#wiring.logger.error("The function that monitors a process threw", { cause: thrown });
    }
  }

  #onWatch({ from, payload }: InboundMessage): unknown {
    const pid = parsePid(payload);
    if (pid === undefined) return false;
    const key = `${from} ${keyOf(pid)}`;
    const reply = this.#earlier.of(pid.serial);
    if (this.#served.has(key)) return reply;
    const { kernel, clock } = this.#wiring;
    const served = { watcher: from, stop: () => stop() };
    const stop = kernel.monitor(pid, (reason) => {
      clock.endOfTurn(() => {
        if (this.#served.get(key) !== served) return;
        this.#served.delete(key);
        const to = this.#successorOf(pid, reason);
        const wire = toWireReason(reason);
        this.#notices.down(from, to === undefined ? [pid, wire] : [pid, wire, to]);
      });
    });
    this.#served.set(key, served);
    return reply;
  }

  #onUnwatch({ from, payload }: InboundMessage): void {
    const pid = parsePid(payload);
    if (pid === undefined) return;
    const key = `${from} ${keyOf(pid)}`;
    this.#served.get(key)?.stop();
    this.#served.delete(key);
  }

  #onDown(payload: unknown): unknown {
    if (!Array.isArray(payload)) return false;
    for (const notice of payload as unknown[]) {
      const pid = Array.isArray(notice) ? parsePid(notice[0]) : undefined;
      if (pid === undefined) continue;
      const [, wire, to] = notice as unknown[];
      const reason = fromWireReason(wire);
      const successor = parsePid(to);
      this.#wiring.clock.endOfTurn(() => {
        if (successor === undefined) this.#end(pid, reason);
        else this.#tell(pid, reason, successor);
      });
    }
    return true;
  }

  /** That node no longer knows what is watched from here: it is asked again. */
  #onForgotten(from: NodeId): unknown {
    for (const watched of this.#watched.values()) {
      if (watched.pid.node === from) void this.#ask(watched);
    }
    return true;
  }

  #onMember(event: MembershipEvent): void {
    const { id, boot } = event.node;
    if (event.type === "node-up") {
      if (this.#forgotten.delete(id)) this.#notices.forgotten(id);
      return;
    }
    if (event.type !== "node-down" && event.type !== "node-left") return;
    for (const { pid } of [...this.#watched.values()]) {
      if (pid.node === id && pid.boot === boot) this.#end(pid, nodeDown(pid));
    }
    this.#forget(id, event.type === "node-down");
  }

  #forget(watcher: NodeId, mayReturn: boolean): void {
    let wasOwed = this.#notices.cancel(watcher);
    for (const [key, served] of this.#served) {
      if (served.watcher !== watcher) continue;
      served.stop();
      this.#served.delete(key);
      wasOwed = true;
    }
    if (!mayReturn || !wasOwed) return;
    this.#forgotten.add(watcher);
    const [oldest] = this.#forgotten;
    if (oldest !== undefined && this.#forgotten.size > this.#wiring.limits.forgottenWatchersMax) {
      this.#forgotten.delete(oldest);
    }
  }

  #post(to: NodeId, subject: string, payload: unknown): void {
    const route = { to, channel: CHANNEL, subject };
    if (this.#wiring.messenger.trySend(route, payload) !== "full") return;
    // A full link drains: the notice waits for room, or ends with the node.
    this.#wiring.messenger.send(route, payload).catch((error: unknown) => {
      this.#wiring.logger.debug("The end of a watch was not told", { to, subject, error });
    });
  }
}

function keyOf({ node, boot, serial }: { node: NodeId; boot: Boot; serial: number }): string {
  return `${node}/${boot}/${serial}`;
}

function nodeDown(pid: Pid): ExitReason {
  return { type: "node-down", node: pid.node };
}
