/**
 * Peer: what this node alone knows about another one: the link, round trips, evidence, what the
 * application was told.
 *
 * None of it is shared; what is shared stands in the directory.
 */
import type { Boot, Member, NodeId } from "@foundation/core";
import type { DirectoryEntry } from "./entry.js";
import type { Suspicion } from "./suspicion.js";

/** A probe that waits for its answer. */
export interface Probe {
  readonly seq: number;
  readonly sentAt: number;
  stage: "direct" | "indirect";
  helpers: number;
  /** Helpers that answered "not reached": they prove that this node can be heard. */
  refusals: number;
  /** The one extra wait after a late timer was used. */
  graced: boolean;
}

/** A rumour of death that is believed unless the node refutes it in time. */
export interface Doubt {
  readonly entry: DirectoryEntry;
  readonly ageMs: number;
  readonly from: NodeId;
}

/** One for all: nearly nobody is ever said to be gone. */
const nobody = new Set<NodeId>();

export class Peer {
  readonly id: NodeId;
  /** The boot that the present link was authenticated for. */
  link: Boot | undefined;
  /** The last boot there ever was a link to. */
  linkedBoot: Boot | undefined;
  heardAt = Number.NEGATIVE_INFINITY;
  readonly knownSince: number;
  srttMs: number | undefined;
  probe: Probe | undefined;
  suspicion: Suspicion | undefined;
  /** Its place in the list of linked peers; -1 without a link. */
  linkedAt = -1;
  /** When a dial of its address was last refused. */
  dialRefusedAt = Number.NEGATIVE_INFINITY;
  /** When a helper last reached it for us. */
  vouchedAt = Number.NEGATIVE_INFINITY;
  /** Direct probes in a row that only helpers could answer. */
  directMisses = 0;
  /** The address the link layer was asked to dial, while it is. */
  wanted: string | undefined;
  /** The member as the application knows it; undefined: not a member. */
  visible: Member | undefined;
  /** Since when the application's view waits for the end of the old link. */
  endingSince: number | undefined;
  /** Why it went down, for the event. */
  reason = "";
  /** The boot was down before and comes up again. */
  returning = false;
  /** Broadcasts pass between it and this node. */
  isNeighbour = false;
  /** What this side has told of the present link: that it wants it. */
  wantedHere = true;
  /** The other side has told the same. */
  wantedThere = true;
  /** A rumour of its death that is being checked. */
  doubted: Doubt | undefined;
  #refusedBy = nobody;

  constructor(id: NodeId, now: number) {
    this.id = id;
    this.knownSince = now;
  }

  /** A link was authenticated. A suspicion stays: the node hears of it and refutes. */
  linked(boot: Boot, now: number): void {
    this.link = boot;
    this.linkedBoot = boot;
    this.heardAt = now;
    this.wanted = undefined;
    this.wantedHere = true;
    this.wantedThere = true;
    this.#refusedBy = nobody;
    this.directMisses = 0;
  }

  unlinked(): void {
    this.link = undefined;
    this.wanted = undefined;
  }

  /** Who else says that its address refuses connections. */
  get refusedBy(): ReadonlySet<NodeId> {
    return this.#refusedBy;
  }

  /** Another node says that the address refuses connections. */
  addRefusedBy(id: NodeId): void {
    if (this.#refusedBy === nobody) this.#refusedBy = new Set();
    this.#refusedBy.add(id);
  }

  /**
   * A sign of life that makes all earlier evidence void: a new link, or a newer statement by the
   * node itself.
   */
  absolve(): void {
    this.#refusedBy = nobody;
    this.suspicion = undefined;
    this.probe = undefined;
    this.doubted = undefined;
  }
}
