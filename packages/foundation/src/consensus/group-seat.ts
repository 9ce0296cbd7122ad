/**
 * GroupSeat: the seat of a node that keeps the group's log, or would: what a voter by name, a candidate and the voter of
 * a folder have in common.
 *
 * Its member is opened beside the node's start, which may take as long as the others take to come. Until it serves, and
 * whenever it cannot, requests of this node go to the others.
 */
import type {
  Group,
  GroupFinder,
  StoreMachine,
  StoreResponse,
  VoterKeeper,
} from "@foundation/consensus";
import type { Engine } from "@foundation/consensus/recipes";
import { DisposalStack, type NodeId, type Runtime } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import { clientSeat, refused } from "./client-seat.js";
import { keepRoster } from "./keep-roster.js";
import { lazyEngine } from "./lazy-engine.js";
import type { LeaderNews } from "./leader-news.js";
import { MemberService } from "./member-service.js";
import type { MemberReport, Seat, SeatReport } from "./seat.js";

export interface GroupSeatOptions {
  readonly overlay: Pick<Overlay, "messenger" | "membership">;
  readonly runtime: Runtime;
  /** Told who leads, as this node's member knows it. */
  readonly news: LeaderNews;
  readonly seat: SeatReport["seat"];
  /** Other members that may serve, the best first. */
  readonly others: () => readonly NodeId[];
  /** Opens this node's own member; what has to be closed later goes on the table's stack. */
  readonly open: (table: Table) => Promise<void>;
}

/** What an opening has found so far, and what it made. */
export interface Table {
  readonly stack: DisposalStack;
  /** Fires when the seat is closed. */
  readonly signal: AbortSignal;
  finder?: GroupFinder;
  keeper?: VoterKeeper;
  /** The member is open: it serves from now on. */
  seat(group: Group<StoreResponse>, machine: StoreMachine): void;
}

/** Takes the seat; it goes on by itself until the group is there. */
export function groupSeat(options: GroupSeatOptions): Seat {
  return new GroupSeat(options);
}

class GroupSeat implements Seat, Table {
  readonly stack = new DisposalStack();
  finder?: GroupFinder;
  keeper?: VoterKeeper;
  readonly #options: GroupSeatOptions;
  readonly #others: Seat;
  readonly #closing = new AbortController();
  readonly #opening: Promise<void>;
  #group: Group<StoreResponse> | undefined;
  #service: MemberService | undefined;
  #keeping: Promise<unknown> | undefined;
  #failure: unknown;

  constructor(options: GroupSeatOptions) {
    const { overlay, runtime, others } = options;
    this.#options = options;
    // A request that waits for the others goes on here once this member serves.
    const { id: self } = overlay.membership.self;
    const voters = () => (this.#service?.engine === undefined ? others() : [self]);
    this.#others = clientSeat({ overlay, voters, runtime });
    this.#opening = options.open(this).catch((error: unknown) => this.#failed(error));
  }

  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  seat(group: Group<StoreResponse>, machine: StoreMachine): void {
    const { overlay, runtime } = this.#options;
    const { messenger } = overlay;
    this.#group = group;
    this.#service = this.stack.use(new MemberService({ messenger, group, machine, runtime }));
    const engine = lazyEngine(async () => this.engine());
    this.#keeping = Promise.all([
      keepRoster(group, engine, runtime, this.signal, (voters) => this.#namesOf(voters)),
      this.#followLeader(group),
    ]);
  }

  /** As other nodes know them: the voter of a folder has an id of its own, and is whichever node has the folder. */
  #namesOf(voters: readonly string[]): readonly string[] {
    return this.#options.seat === "folder" ? [this.#options.overlay.membership.self.id] : voters;
  }

  engine(): Engine {
    const local = this.#service?.engine;
    if (local !== undefined) return local;
    // Why this node cannot, unless there are others that may.
    if (this.#failure !== undefined && this.#options.others().length === 0) throw this.#failure;
    return this.#others.engine();
  }

  found(names: readonly string[]): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.finder === undefined) throw refused("this node does not look for a group, or not yet");
    this.finder.found(names);
  }

  report(): SeatReport {
    const { seat } = this.#options;
    const keeping = this.keeper?.decision?.why;
    return {
      seat,
      ...this.#finding(),
      ...(this.#group && { member: memberReport(this.#group) }),
      ...(keeping !== undefined && { keeping }),
    };
  }

  async #followLeader(group: Group<StoreResponse>): Promise<void> {
    const { news, runtime } = this.#options;
    try {
      for await (const { term, leader } of group.watchStatus({ signal: this.signal })) {
        if (leader !== undefined) news.learn({ term, leader });
      }
    } catch (error) {
      if (!this.signal.aborted)
        runtime.logger.error("The leader is not followed any more", { error });
    }
  }

  #finding(): Partial<SeatReport> {
    if (this.#failure !== undefined) return { standing: "stuck", why: String(this.#failure) };
    const standing = this.finder?.standing();
    if (standing === undefined) return {};
    const { type } = standing;
    if (standing.type !== "decided") return { standing: type, why: standing.why };
    const { group, voters } = standing.record;
    return { standing: type, group, firstVoters: voters.map(({ name }) => name) };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening;
    await this.#keeping;
    await this.#others.close();
    await this.stack.close();
  }

  #failed(error: unknown): void {
    if (this.signal.aborted) return;
    this.#failure = error;
    this.#options.runtime.logger.error("This node takes no part in the consensus group", { error });
  }
}

function memberReport(group: Group<StoreResponse>): MemberReport {
  const { role, term, leader, configuration, appliedIndex, failure } = group.status();
  const { voters, learners } = configuration;
  const what = { role, term, leader, voters, learners, appliedIndex };
  return failure === undefined ? what : { ...what, failure: failure.message };
}
