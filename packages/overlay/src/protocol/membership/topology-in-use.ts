/**
 * TopologyInUse: the topology that this node's links follow now, and the change to another one.
 *
 * Invariant: exactly one topology is started; the links that are up stay when it changes, until the
 * new one has those it wants.
 */
import type { TopologyMode, TopologyName } from "../switching/topologies.js";
import { FullMesh } from "./full-mesh.js";
import { PartialView } from "./partial-view.js";
import { ServerView } from "./server-view.js";
import type { MembershipState } from "./state.js";
import type { Topology } from "./topology.js";
import { TopologyChoice } from "./topology-choice.js";

const TOPOLOGIES = {
  "full-mesh": FullMesh,
  hyparview: PartialView,
  "client-server": ServerView,
} as const;

export class TopologyInUse {
  readonly choice: TopologyChoice;
  readonly #state: MembershipState;
  #present: Topology;

  constructor(state: MembershipState, mode: TopologyMode) {
    this.#state = state;
    this.choice = new TopologyChoice(state, mode, (name, now) => this.#change(name, now));
    this.#present = this.#make(this.choice.topology);
  }

  get present(): Topology {
    return this.#present;
  }

  start(now: number): void {
    this.#present.start(now);
    this.choice.start(now);
  }

  /** Links or members changed. */
  changed(now: number): void {
    this.choice.recount(now);
    this.#present.plan(now);
  }

  #make(name: TopologyName): Topology {
    const topology = new TOPOLOGIES[name](this.#state);
    this.#state.isPartial = topology.isPartial;
    return topology;
  }

  #change(name: TopologyName, now: number): void {
    const from = this.#present.name;
    if (name === from) return;
    const { out, lists } = this.#state;
    out.log("info", "The topology changes", { from, to: name });
    out.topology(from, name);
    this.#present.stop(now);
    this.#present = this.#make(name);
    this.#present.start(now);
    for (const peer of lists.linked) this.#state.want(peer, this.#present.wants(peer));
  }
}
