/**
 * LeaderNews: who leads the cluster's consensus group, on every node, those that are no members of the group included.
 *
 * A leader tells all when it begins to lead, and whoever joins later. Terms grow, so the greater one is the newer one. It is
 * news and no promise: a leader that is cut off believes itself one for a while, and what depends on there being only one
 * takes a lock or an election, which say so by a fencing token.
 */
import {
  isNodeId,
  type Broadcast,
  type Membership,
  type Messenger,
  type NodeId,
} from "@foundation/core";

const SUBJECT = "foundation.leader";
const CHANNEL = "state";

/** Who leads in which term. */
export interface Leading {
  readonly term: number;
  readonly leader: NodeId;
}

export interface LeaderNewsPorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
}

export class LeaderNews {
  readonly #ports: LeaderNewsPorts;
  readonly #listeners = new Set<(leader: NodeId | undefined, term: number) => void>();
  readonly #stops: readonly (() => void)[];
  #newest: Leading | undefined;
  /** What was told last. */
  #told: NodeId | undefined;

  constructor(ports: LeaderNewsPorts) {
    this.#ports = ports;
    const { messenger, membership, broadcast } = ports;
    const take = ({ payload }: { readonly payload: unknown }) => this.#take(parse(payload));
    this.#stops = [
      broadcast.handle(SUBJECT, take),
      messenger.handle(SUBJECT, take),
      membership.subscribe((event) => {
        if (event.type === "node-up") this.#tell(event.node.id);
        this.#refresh();
      }),
    ];
  }

  /** The leader, while it is a member of the cluster. */
  get leader(): NodeId | undefined {
    const id = this.#newest?.leader;
    return id !== undefined && this.#ports.membership.member(id) !== undefined ? id : undefined;
  }

  get term(): number {
    return this.#newest?.term ?? 0;
  }

  /** What this node's own member of the group knows. */
  learn(leading: Leading): void {
    const isNew = this.#take(leading);
    if (!isNew || leading.leader !== this.#ports.membership.self.id) return;
    this.#ports.broadcast.publish(SUBJECT, leading, { channel: CHANNEL });
  }

  /** Calls the listener with each change; undefined: there is none, or none is known. */
  subscribe(listener: (leader: NodeId | undefined, term: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#listeners.clear();
  }

  #take(leading: Leading | undefined): boolean {
    if (leading === undefined || leading.term <= this.term) return false;
    this.#newest = leading;
    this.#refresh();
    return true;
  }

  #tell(to: NodeId): void {
    const { messenger, membership } = this.#ports;
    if (this.#newest === undefined || this.#newest.leader !== membership.self.id) return;
    if (to !== membership.self.id) {
      messenger.trySend({ to, channel: CHANNEL, subject: SUBJECT }, this.#newest);
    }
  }

  #refresh(): void {
    const { leader } = this;
    if (leader === this.#told) return;
    this.#told = leader;
    for (const listener of [...this.#listeners]) listener(leader, this.term);
  }
}

function parse(payload: unknown): Leading | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { term, leader } = payload as Partial<Leading>;
  return Number.isSafeInteger(term) && isNodeId(leader)
    ? { term: term as number, leader }
    : undefined;
}
