/**
 * ProcessGroups: joining, leaving, and talking to all members of a group.
 *
 * A process of another node is made a member by that node, so that the membership goes with it. What is sent to a whole
 * group travels once to each node, with the serials of its members there: each member of the sender's view gets it, and
 * nobody else.
 * Limits: those of `GroupStore`; `watchBuffer`.
 */
import {
  checkOptions,
  checkText,
  boundedStream,
  coreErrors,
  type BoundedStream,
  type InboundMessage,
  type Pid,
} from "@foundation/core";
import { checkProcess } from "../given.js";
import {
  keyOfIdentity,
  keyOfProcess,
  type GroupChange,
  type Membership,
} from "../../protocol/groups/group-index.js";
import { checkName } from "../../protocol/names.js";
import type { Calls, Target } from "../calls/calls.js";
import { parsePid } from "../calls/foundation-errors.js";
import { noProcess } from "../calls/local-calls.js";
import type { ClusterRef } from "../calls/process-reference.js";
import { Patience } from "../patience.js";
import { timeoutOf, type OperationOptions } from "../supervision/start-options.js";
import { CHANNEL, copyOf, isLocal, show, type Wiring } from "../wiring.js";
import { GroupMail } from "./group-mail.js";
import { GroupStore, type GroupStores, type Identities } from "./group-store.js";
import { Sight } from "../sight.js";
import type { GroupEvent, GroupMember, GroupReply, Groups, JoinOptions } from "./groups.js";

const JOIN = "groups.join";
const LEAVE = "groups.leave";
const OPERATION: readonly string[] = ["timeout", "signal"];

/** What the groups need beside the world. */
export interface GroupParts {
  readonly stores: GroupStores;
  readonly identities: Identities;
  readonly calls: Calls;
  /** The distributed child that a process of this node is, by its pid; undefined when it is none. */
  identityOf(pid: Pid): string | undefined;
}

/** Groups of processes. */
export class ProcessGroups implements Groups {
  readonly #wiring: Wiring;
  readonly #parts: GroupParts;
  readonly #store: GroupStore;
  readonly #watchers = new Map<string, Set<BoundedStream<GroupEvent>>>();
  readonly #mail: GroupMail;
  readonly #sight = new Sight();
  readonly #stops: (() => void)[];
  #closed = false;

  constructor(wiring: Wiring, parts: GroupParts) {
    this.#wiring = wiring;
    this.#parts = parts;
    const { messenger } = wiring;
    this.#store = new GroupStore(wiring, parts.stores, parts.identities, (change) =>
      this.#changed(change),
    );
    this.#stops = [
      messenger.handle(JOIN, (message) => this.#onJoin(message)),
      messenger.handle(LEAVE, (message) => this.#onLeave(message)),
    ];
    this.#mail = new GroupMail(wiring);
  }

  async join(group: string, member: ClusterRef | Pid, options: JoinOptions = {}): Promise<void> {
    this.#check(group);
    checkOptions("groups.join", options, ["meta", ...OPERATION]);
    checkProcess("groups.join", member);
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    const meta = copyOf(options.meta, this.#wiring.codec);
    const child = this.#store.childOf(nameOf(member));
    if (child !== undefined) return this.#store.joinIdentity(group, child, meta);
    const pid = this.#pidOf(member);
    if (isLocal(pid, this.#wiring.self)) return this.#joinHere(group, pid, meta);
    await this.#carry(JOIN, [group, pid, meta], timeoutMs, options.signal);
  }

  async leave(
    group: string,
    member: ClusterRef | Pid,
    options: OperationOptions = {},
  ): Promise<boolean> {
    this.#check(group);
    checkOptions("groups.leave", options, OPERATION);
    checkProcess("groups.leave", member);
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    const name = nameOf(member);
    if (name !== undefined && this.#store.leaveIdentity(group, name)) return true;
    const pid = "serial" in member ? member : member.whereis();
    if (pid === undefined) return false;
    if (isLocal(pid, this.#wiring.self)) return this.#leaveHere(group, pid);
    return this.#carry(LEAVE, [group, pid, undefined], timeoutMs, options.signal);
  }

  members(group: string): readonly GroupMember[] {
    checkText("groups", "the group", group);
    const found: GroupMember[] = [];
    for (const membership of this.#store.index.of(group)) {
      const member = this.#memberOf(membership);
      if (member !== undefined) found.push(member);
    }
    return found;
  }

  localMembers(group: string): readonly GroupMember[] {
    return this.members(group).filter(({ pid }) => isLocal(pid, this.#wiring.self));
  }

  groups(): readonly string[] {
    return [...this.#store.index.shown()].sort();
  }

  which(member: ClusterRef | Pid): readonly string[] {
    checkProcess("groups.which", member);
    const name = nameOf(member);
    const pid = "serial" in member ? member : member.whereis();
    const identity = name ?? (pid && this.#parts.identityOf(pid));
    const { index } = this.#store;
    const found = new Set<string>();
    if (pid !== undefined) {
      // Of a child that runs elsewhere nothing but its memberships tells the identity.
      const isHere = isLocal(pid, this.#wiring.self);
      const memberships = isHere ? index.ofMember(keyOfProcess(pid)) : index.ofPid(pid);
      for (const { group } of memberships) found.add(group);
    }
    if (identity !== undefined) {
      for (const { group } of index.ofMember(keyOfIdentity(identity))) found.add(group);
    }
    return [...found].sort();
  }

  publish(group: string, message: unknown): number {
    return this.#send(group, "info", "", message);
  }

  cast(group: string, handler: string, payload?: unknown): number {
    checkText("groups.cast", "the handler", handler);
    return this.#send(group, "cast", handler, payload);
  }

  async multiCall(
    group: string,
    handler: string,
    payload?: unknown,
    options: OperationOptions = {},
  ): Promise<readonly GroupReply[]> {
    this.#assertOpen();
    checkText("groups.multiCall", "the handler", handler);
    checkOptions("groups.multiCall", options, OPERATION);
    timeoutOf(options, this.#wiring.limits);
    const ask = async (member: GroupMember): Promise<GroupReply> => {
      try {
        return { member, ok: true, value: await member.call(handler, payload, options) };
      } catch (error) {
        return { member, ok: false, error };
      }
    };
    return Promise.all(this.members(group).map(ask));
  }

  watch(
    group: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterableIterator<GroupEvent> {
    this.#check(group);
    checkOptions("groups.watch", options, ["signal"]);
    const watchers = this.#watchers.get(group) ?? new Set();
    const stream = boundedStream<GroupEvent>({
      name: "groups.watch",
      buffer: this.#wiring.limits.watchBuffer,
      overflow: "drop-oldest",
      signal: options.signal,
      onEnd: () => {
        watchers.delete(stream);
        if (watchers.size === 0) this.#watchers.delete(group);
      },
    });
    if (stream.ended) return stream.iterator;
    for (const member of this.members(group)) stream.push({ type: "joined", member });
    this.#watchers.set(group, watchers.add(stream));
    return stream.iterator;
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    this.#mail.close();
    this.#sight.close();
    this.#store.close();
    for (const watchers of [...this.#watchers.values()]) {
      for (const stream of [...watchers]) stream.end();
    }
  }

  #joinHere(group: string, pid: Pid, meta: unknown): void {
    const child = this.#store.childOf(this.#parts.identityOf(pid));
    if (child !== undefined) return this.#store.joinIdentity(group, child, meta);
    if (this.#wiring.kernel.find(pid) === undefined) throw noProcess(pid, "it has ended");
    this.#store.joinProcess(group, pid, meta);
  }

  #leaveHere(group: string, pid: Pid): boolean {
    const identity = this.#parts.identityOf(pid);
    if (identity !== undefined && this.#store.leaveIdentity(group, identity)) return true;
    return this.#store.leaveProcess(group, pid);
  }

  /** Has the process's own node do it, and waits until it shows here. True when that changed anything. */
  async #carry(
    subject: typeof JOIN | typeof LEAVE,
    errand: readonly [group: string, pid: Pid, meta: unknown],
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const [group, pid] = errand;
    const patience = new Patience(this.#wiring.clock, timeoutMs, signal);
    try {
      patience.check(subject);
      const route = { to: pid.node, channel: CHANNEL, subject };
      const asking = { timeoutMs, signal };
      const answer = await this.#wiring.messenger.request(route, errand, asking);
      if (answer === false) return false;
      // The answer for a distributed child is its identity: it is a member by that.
      const key = typeof answer === "string" ? keyOfIdentity(answer) : keyOfProcess(pid);
      const isShown = subject === JOIN;
      const isDone = () => (this.#store.index.get(group, key) !== undefined) === isShown;
      if (!(await this.#sight.until(isDone, patience.signal))) throw unseen(group, isShown);
      return true;
    } finally {
      patience.end();
    }
  }

  #onJoin({ payload }: InboundMessage): unknown {
    const { group, pid, meta } = this.#read(payload);
    this.#joinHere(group, pid, meta);
    return this.#answerFor(group, pid);
  }

  #onLeave({ payload }: InboundMessage): unknown {
    const { group, pid } = this.#read(payload);
    const identity = this.#parts.identityOf(pid);
    const answer = this.#leaveHere(group, pid);
    return answer && identity !== undefined ? identity : answer;
  }

  /** By what the process is a member, for the node that asked. */
  #answerFor(group: string, pid: Pid): unknown {
    const identity = this.#parts.identityOf(pid);
    if (identity === undefined) return true;
    return this.#store.index.get(group, keyOfIdentity(identity)) === undefined ? true : identity;
  }

  #read(payload: unknown): { group: string; pid: Pid; meta: unknown } {
    const [group, given, meta] = Array.isArray(payload) ? (payload as unknown[]) : [];
    checkName(group, this.#wiring.limits.nameBytesMax);
    const pid = parsePid(given);
    if (pid === undefined || !isLocal(pid, this.#wiring.self)) {
      throw noProcess(pid ?? "?", "it is not of this start of this node");
    }
    return { group, pid, meta };
  }

  #send(group: string, type: "cast" | "info", handler: string, payload: unknown): number {
    this.#assertOpen();
    checkText("groups", "the group", group);
    const pids: Pid[] = [];
    for (const membership of this.#store.index.of(group)) {
      const pid = this.#pidNow(membership);
      if (pid !== undefined) pids.push(pid);
    }
    this.#mail.send(pids, type, handler, payload);
    return pids.length;
  }

  #changed(change: GroupChange): void {
    this.#sight.changed();
    const watchers = this.#watchers.get(change.member.group);
    const event = watchers && this.#eventOf(change);
    if (event === undefined) return;
    for (const stream of watchers ?? []) stream.push(event);
  }

  #eventOf(change: GroupChange): GroupEvent | undefined {
    const member = this.#shown(change.member);
    if (change.type !== "changed") return member && { type: change.type, member };
    const previous = this.#shown(change.previous);
    return member && previous && { type: "changed", member, previous };
  }

  /** A member where it is at this moment. */
  #memberOf(membership: Membership): GroupMember | undefined {
    const pid = this.#pidNow(membership);
    return pid && this.#shown({ ...membership, pid });
  }

  #shown(membership: Membership): GroupMember | undefined {
    const { group, identity, meta, pid } = membership;
    if (pid === undefined) return undefined;
    const { calls } = this.#parts;
    const target = this.#targetOf(membership, pid);
    return {
      group,
      pid,
      node: pid.node,
      name: identity,
      meta,
      call: async (handler, payload, options) => {
        const timeoutMs = timeoutOf(options, this.#wiring.limits);
        return calls.call(target, undefined, handler, payload, timeoutMs, options?.signal);
      },
      cast: (handler, payload) => calls.send(target, "cast", handler, payload),
      send: (payload) => calls.send(target, "info", "", payload),
    };
  }

  #targetOf({ identity, group }: Membership, pid: Pid): Target {
    return {
      title: identity ?? show(pid),
      locate: () => (identity === undefined ? pid : this.#store.locate(identity)),
      stale: () => undefined,
      why: () => `it has left the group "${group}" or is being started elsewhere`,
    };
  }

  #pidNow({ identity, pid }: Membership): Pid | undefined {
    if (identity === undefined || pid === undefined) return pid;
    return this.#store.locate(identity);
  }

  #pidOf(member: ClusterRef | Pid): Pid {
    const pid = "serial" in member ? member : member.whereis();
    if (pid === undefined) throw noProcess(nameOf(member) ?? "?");
    return pid;
  }

  #check(group: string): void {
    this.#assertOpen();
    checkName(group, this.#wiring.limits.nameBytesMax);
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED("The registry is closed: its groups take no more", {
      what: "groups",
    });
  }
}

function nameOf(member: ClusterRef | Pid): string | undefined {
  return "serial" in member ? undefined : member.name;
}

function unseen(group: string, shown: boolean): Error {
  const what = shown ? "joined" : "left";
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `The process has ${what} "${group}" on its node, but that did not show here in time; ` +
      "it will, unless it changes again",
    { reason: "deadline-exceeded", target: group },
  );
}
