/**
 * CoresNode: the cores of one node, wired as the packages wire them: membership, and above it names in an owner-sharded
 * store, a map where the last write of a key stays, and child specs with the supervisor that acts on them. All talk on the same links.
 *
 * Nobody is heard before membership has told of them, and stores talk to members only, as with the real messenger.
 */
import {
  HybridLogicalClock,
  type Boot,
  type Member,
  type MembershipEvent,
  type NodeId,
} from "@foundation/core";
import type { CoreAdapter, CoreEvent, CoreHost } from "@foundation/testkit";
import type { MapInput } from "../../../packages/crdt/src/protocol/versioned/inputs.js";
import type { MapMessage } from "../../../packages/crdt/src/protocol/versioned/messages.js";
import type { MembershipInput } from "../../../packages/overlay/src/protocol/membership/effects.js";
import type { MembershipMessage } from "../../../packages/overlay/src/protocol/membership/messages.js";
import type { ChildSpec, SpecVersion } from "../../../packages/registry/src/protocol/child-spec.js";
import { MapReplica } from "./map-replica.js";
import { MembershipNode } from "./membership-node.js";
import { OwnedReplica, type NamesInput, type NamesMessage } from "./owned-replica.js";
import type { ReplicaHost, ReplicaInput } from "./replica.js";
import { specOrder, Supervisor } from "./supervisor.js";
import type { Identity, Town } from "./town.js";
import { compareWriteStamps, isWriteStamp, type WriteStamp } from "./write-stamp.js";

type Items = MapInput<string, WriteStamp>;
type Specs = MapInput<ChildSpec, SpecVersion>;

export type CoresInput =
  | { readonly core: "membership"; readonly input: MembershipInput }
  | { readonly core: "names"; readonly input: NamesInput | ReplicaInput }
  | { readonly core: "items"; readonly input: Items | ReplicaInput }
  | { readonly core: "specs"; readonly input: Specs | ReplicaInput };

export type CoresMessage =
  | { readonly core: "membership"; readonly message: MembershipMessage }
  | { readonly core: "names"; readonly message: NamesMessage }
  | { readonly core: "items"; readonly message: MapMessage<string, WriteStamp> }
  | { readonly core: "specs"; readonly message: MapMessage<ChildSpec, SpecVersion> };

/** The effects of one input of one core: they are carried out in order. */
export interface CoresEffect {
  readonly carryOut: () => void;
}

type Host = CoreHost<CoresInput, CoresMessage, Identity>;
type StoreName = "names" | "items" | "specs";

export interface CoresChoice {
  readonly town: Town;
  readonly seeds: readonly string[];
  readonly tombstoneMs: number;
}

/** How often the supervisor looks at everything. */
const SWEEP_MS = 5_000;
const SWEEP = "sweep";

export class CoresNode implements CoreAdapter<CoresInput, CoresEffect, CoresMessage, Identity> {
  readonly membership: MembershipNode;
  readonly names: OwnedReplica;
  readonly items: MapReplica<string, WriteStamp>;
  readonly specs: MapReplica<ChildSpec, SpecVersion>;
  readonly supervisor: Supervisor;
  readonly #host: Host;
  readonly #clock = new HybridLogicalClock();

  constructor(host: Host, known: Identity | undefined, choice: CoresChoice) {
    this.#host = host;
    const { town, seeds, tombstoneMs } = choice;
    const onEvent = (event: MembershipEvent) => this.#onMember(event);
    this.membership = new MembershipNode(this.#membershipHost(), known, { town, seeds, onEvent });
    const { id, boot } = this.membership.citizen;
    this.names = new OwnedReplica(
      { id, boot },
      this.#storeHost(
        "names",
        (input) => host.feed({ core: "names", input }),
        (to, message) => host.send(to, { core: "names", message }),
      ),
    );
    this.items = new MapReplica<string, WriteStamp>(
      {
        self: id,
        tombstoneMs,
        compare: compareWriteStamps,
        isStamp: isWriteStamp,
        onChange: ({ stamp }) => void this.#clock.receive(stamp, host.wallNow()),
      },
      this.#storeHost(
        "items",
        (input) => host.feed({ core: "items", input }),
        (to, message) => host.send(to, { core: "items", message }),
      ),
    );
    this.specs = new MapReplica<ChildSpec, SpecVersion>(
      { self: id, tombstoneMs, ...specOrder, onChange: ({ key }) => this.#lookLater(key) },
      this.#storeHost(
        "specs",
        (input) => host.feed({ core: "specs", input }),
        (to, message) => host.send(to, { core: "specs", message }),
      ),
    );
    this.supervisor = new Supervisor({
      self: { node: id, boot },
      members: () => this.membership.core.members(),
      member: (other) => this.membership.core.member(other),
      specs: () => this.specs,
    });
  }

  handle(input: CoresInput, now: number): readonly CoresEffect[] {
    switch (input.core) {
      case "membership":
        return inOrder(this.membership, this.membership.handle(input.input, now));
      case "names":
        return inOrder(this.names, this.names.handle(input.input, now));
      case "items":
        return inOrder(this.items, this.items.handle(input.input, now));
      case "specs":
        return inOrder(this.specs, this.specs.handle(input.input, now));
      default:
        return input satisfies never;
    }
  }

  inputOf(event: CoreEvent<CoresMessage, Identity>): CoresInput | undefined {
    if (event.type === "message") return this.#onMessage(event);
    if (event.type === "timer") {
      const [store, timer] = event.timer.split(" ");
      if (store === SWEEP) return this.#sweep();
      if (store === "look") return this.#look(event.timer.slice("look ".length));
      if (store === "names" || store === "items" || store === "specs") {
        this[store].onTimer(timer === "flush" ? "flush" : "tick");
        return undefined;
      }
    }
    if (event.type === "start") {
      for (const store of ["names", "items", "specs"] as const) this[store].start();
      this.#host.setTimer(SWEEP, SWEEP_MS);
    }
    const input = this.membership.inputOf(event);
    return input && { core: "membership", input };
  }

  run(effect: CoresEffect): void {
    effect.carryOut();
  }

  /** The stamp of a write of a key made now: greater than all that is known of the key here. */
  stampFor(key: string): WriteStamp {
    const { id: node, boot } = this.membership.citizen;
    const wallMs = this.#host.wallNow();
    const known = this.items.state.stampOf(key);
    if (known !== undefined) this.#clock.receive(known, wallMs);
    return { ...this.#clock.tick(wallMs), node, boot };
  }

  #onMessage(
    event: CoreEvent<CoresMessage, Identity> & { readonly type: "message" },
  ): CoresInput | undefined {
    const { message } = event;
    if (message.core === "membership") {
      const input = this.membership.inputOf({ ...event, message: message.message });
      return input && { core: "membership", input };
    }
    const from = this.membership.linked(event.from);
    if (!from || this.membership.core.member(from.id)?.boot !== from.boot) return undefined;
    this.membership.heard(from.id);
    if (message.core === "names") this.names.receive(from.id, message.message);
    else if (message.core === "items") this.items.receive(from.id, message.message);
    else this.specs.receive(from.id, message.message);
    return undefined;
  }

  #onMember(event: MembershipEvent): void {
    if (event.node.id === this.membership.citizen.id) return;
    for (const store of [this.names, this.items, this.specs]) store.onMember(event);
    this.#host.setTimer(SWEEP, 0);
  }

  /** At the end of the turn, as the registry does. */
  #lookLater(identity: string): void {
    this.#host.setTimer(`look ${identity}`, 0);
  }

  #look(identity: string): undefined {
    this.supervisor.look(identity);
  }

  #sweep(): undefined {
    this.supervisor.lookAtAll();
    this.#host.setTimer(SWEEP, SWEEP_MS);
  }

  #membershipHost(): CoreHost<MembershipInput, MembershipMessage, Identity> {
    const host = this.#host;
    return {
      node: host.node,
      boot: host.boot,
      random: host.random,
      now: () => host.now(),
      wallNow: () => host.wallNow(),
      send: (to, message) => host.send(to, { core: "membership", message }),
      setTimer: (timer, delayMs) => host.setTimer(timer, delayMs),
      cancelTimer: (timer) => host.cancelTimer(timer),
      persist: (write) => host.persist(write),
      dial: (to) => host.dial(to),
      hangUp: (to) => host.hangUp(to),
      feed: (input) => host.feed({ core: "membership", input }),
      note: (kind, text) => host.note(kind, text),
    };
  }

  #storeHost<Input, Message>(
    store: StoreName,
    feed: (input: Input) => void,
    send: (to: number, message: Message) => void,
  ): ReplicaHost<Input, Message> {
    const host = this.#host;
    const { id: self } = this.membership.citizen;
    const members = (): readonly Member[] =>
      this.membership.core.members().filter(({ id }) => id !== self);
    const sendTo = (id: NodeId, boot: Boot, message: Message) => {
      const peer = this.membership.linkedAs(id);
      if (peer?.boot === boot) send(peer.node, message);
    };
    return {
      random: host.random.fork(store),
      now: () => host.now(),
      feed,
      setTimer: (timer, delayMs) => host.setTimer(`${store} ${timer}`, delayMs),
      send: (to, message) => {
        const member = this.membership.core.member(to);
        if (member) sendTo(to, member.boot, message);
      },
      broadcast: (message) => {
        for (const { id, boot } of members()) sendTo(id, boot, message);
      },
      peers: () => members().map(({ id }) => id),
    };
  }
}

function inOrder<Effect>(
  core: { run(effect: Effect): void },
  effects: readonly Effect[],
): readonly CoresEffect[] {
  if (effects.length === 0) return [];
  return [
    {
      carryOut: () => {
        for (const effect of effects) core.run(effect);
      },
    },
  ];
}
