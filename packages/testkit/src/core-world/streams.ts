/**
 * Streams: links between nodes with TCP's manners, for cores that have links.
 *
 * What is sent on a link arrives in order and once, or the link ends. A cut holds everything back, the end of the link
 * too, and loses nothing. A process that dies has its ends closed by its system; a host without power says nothing, and
 * the other end goes on believing until it sends something to the host that is back.
 *
 * Invariants: at most one link between two boots (the world settles crossing dials); for one peer's boot a node is told
 * `link-up`, messages, `link-down`, and again from the start.
 */
import type { CoreNetwork, Due, Receiver } from "./core-parts.js";
import type { NetworkParts } from "./datagrams.js";

type Side = 0 | 1;
type EndReason = "closed" | "lost";
/** `closing`: it has ended here, and its node is told when the turn is over. */
type EndState = "opening" | "open" | "closing" | "ended";

interface End<Message> {
  readonly node: number;
  readonly receiver: Receiver<Message>;
  state: EndState;
  /** When the last parcel to this end arrives. */
  lastArrival: number;
  /** What a cut holds back on its way to this end. */
  held: Parcel<Message>[];
}

interface Link<Message> {
  /** The dialler's end, and the other one. */
  readonly ends: readonly [End<Message>, End<Message>];
}

type Content<Message> =
  | { readonly type: "up" }
  | { readonly type: "message"; readonly message: Message }
  | { readonly type: "end"; readonly reason: EndReason };

const UP = { type: "up" } as const;

class Parcel<Message> implements Due {
  constructor(
    readonly streams: Streams<Message>,
    readonly link: Link<Message>,
    /** The end it goes to. */
    readonly side: Side,
    readonly content: Content<Message>,
  ) {}

  happen(): void {
    this.streams.arrive(this);
  }
}

export interface StreamOptions {
  readonly dialTimeoutMs: number;
}

/** How often a dial looks whether a paused process has woken up. */
const PAUSED_LOOK_MS = 50;
/** SYN, SYN-ACK, and the first bytes of the handshake. */
const DIAL_TRIPS = 3;

export class Streams<Message> implements CoreNetwork<Message> {
  readonly #parts: NetworkParts<Message>;
  readonly #dialTimeoutMs: number;
  /**
   * By node and peer: the link that the node has. Arrays, not maps: among a thousand nodes every look into a map of its
   * own misses the processor's caches several times.
   */
  readonly #links: (Link<Message> | undefined)[][] = [];
  readonly #holding = new Set<Link<Message>>();

  constructor(parts: NetworkParts<Message>, options: StreamOptions) {
    this.#parts = parts;
    this.#dialTimeoutMs = options.dialTimeoutMs;
  }

  send(from: number, to: number, message: Message): boolean {
    const link = this.#links[from]?.[to];
    if (link === undefined) return false;
    const side = sideOf(link, from);
    if (link.ends[side].state !== "open") return false;
    this.#post(link, other(side), { type: "message", message });
    return true;
  }

  dial(from: number, to: number): void {
    const dialler = this.#parts.receiver(from);
    if (dialler === undefined) return;
    const { wires } = this.#parts;
    const tripMs = from === to ? 0 : DIAL_TRIPS * wires.latencyMs(from, to);
    const deadline = this.#parts.now() + this.#dialTimeoutMs;
    this.#at(this.#parts.now() + tripMs, () => this.#knock(dialler, from, to, deadline));
  }

  hangUp(from: number, to: number): void {
    const link = this.#links[from]?.[to];
    if (link === undefined) return;
    const side = sideOf(link, from);
    const end = link.ends[side];
    if (end.state === "closing") return;
    const wasOpen = end.state === "open";
    this.#post(link, other(side), { type: "end", reason: "closed" });
    end.state = "closing";
    if (wasOpen) this.#at(this.#parts.now(), () => this.#down(link, side, "closed"));
    else this.#forget(link, side);
  }

  ended(node: number, kind: "process" | "power"): void {
    for (const link of this.#links[node] ?? []) {
      if (link === undefined) continue;
      const side = sideOf(link, node);
      const isOver = link.ends[side].state === "closing";
      if (kind === "process" && !isOver) {
        this.#post(link, other(side), { type: "end", reason: "lost" });
      }
      link.ends[side].state = "ended";
      link.ends[side].held = [];
    }
    this.#links[node] = [];
  }

  reset(a: number, b: number, half: boolean): void {
    const link = this.#links[b]?.[a];
    if (link === undefined) return;
    const side = sideOf(link, b);
    this.#down(link, side, "lost");
    if (!half) this.#down(link, other(side), "lost");
  }

  healed(): void {
    const links = [...this.#holding];
    this.#holding.clear();
    for (const link of links) {
      for (const side of [0, 1] as const) {
        if (link.ends[side].held.length === 0) continue;
        const { wires } = this.#parts;
        const latencyMs = wires.latencyMs(link.ends[other(side)].node, link.ends[side].node);
        this.#at(this.#parts.now() + latencyMs, () => this.#release(link, side));
      }
    }
  }

  arrive(parcel: Parcel<Message>): void {
    const { link, side } = parcel;
    const end = link.ends[side];
    if (end.held.length > 0 || this.#isCut(link, side)) {
      end.held.push(parcel);
      this.#holding.add(link);
    } else this.#deliver(parcel);
  }

  /** What a cut held back comes, in order and before what was sent later. */
  #release(link: Link<Message>, side: Side): void {
    if (this.#isCut(link, side)) {
      this.#holding.add(link);
      return;
    }
    const end = link.ends[side];
    const { held } = end;
    end.held = [];
    for (const parcel of held) this.#deliver(parcel);
  }

  #deliver({ link, side, content }: Parcel<Message>): void {
    const end = link.ends[side];
    const sender = link.ends[other(side)];
    if (end.state === "ended" || end.state === "closing") {
      // A system that does not know the connection says so; one without power says nothing.
      const isKnown = sender.state === "open" || sender.state === "opening";
      if (isKnown && content.type !== "end" && this.#parts.isHostOn(end.node)) {
        this.#post(link, other(side), { type: "end", reason: "lost" });
      }
      return;
    }
    switch (content.type) {
      case "up":
        this.#up(link, side);
        return;
      case "message": {
        const { node: from, receiver } = sender;
        this.#parts.delivered(end.node, from, content.message);
        const { message } = content;
        end.receiver.take({ type: "message", from, fromBoot: receiver.boot, message });
        return;
      }
      case "end":
        this.#down(link, side, content.reason);
        return;
      default:
        content satisfies never;
    }
  }

  /** The dial has reached the host, or should have. */
  #knock(dialler: Receiver<Message>, from: number, to: number, deadline: number): void {
    if (!dialler.isRunning) return;
    const { wires } = this.#parts;
    const nowMs = this.#parts.now();
    const acceptor = this.#parts.receiver(to);
    const isDeaf = wires.isCut(from, to) || wires.isCut(to, from) || !this.#parts.isHostOn(to);
    if (isDeaf) {
      const fail = () => dialler.take({ type: "dial-failed", peer: to, reason: "timeout" });
      this.#at(Math.max(nowMs, deadline), fail);
    } else if (!acceptor?.isRunning || from === to) {
      dialler.take({ type: "dial-failed", peer: to, reason: "refused" });
    } else if (acceptor.isPaused || dialler.isPaused) {
      if (nowMs < deadline) {
        this.#at(nowMs + PAUSED_LOOK_MS, () => this.#knock(dialler, from, to, deadline));
      } else dialler.take({ type: "dial-failed", peer: to, reason: "timeout" });
    } else this.#meet(dialler, acceptor, from, to);
  }

  /** Both are there: a link, unless they have one. */
  #meet(dialler: Receiver<Message>, acceptor: Receiver<Message>, from: number, to: number): void {
    const ours = this.#links[from]?.[to];
    const theirs = this.#links[to]?.[from];
    if (ours !== undefined && ours === theirs) {
      const { state } = ours.ends[sideOf(ours, from)];
      if (state === "open") dialler.take({ type: "dial-answered", peer: to });
      if (state === "open" || state === "opening") return;
    }
    // Half-open ends: each learns from the newcomer that the old link is gone.
    if (ours) this.#down(ours, sideOf(ours, from), "lost");
    if (theirs) this.#down(theirs, sideOf(theirs, to), "lost");
    const link: Link<Message> = { ends: [endOf(from, dialler), endOf(to, acceptor)] };
    this.#keep(from, to, link);
    this.#keep(to, from, link);
    this.#post(link, 0, UP);
    this.#up(link, 1);
  }

  #up(link: Link<Message>, side: Side): void {
    const end = link.ends[side];
    const peer = link.ends[other(side)];
    end.state = "open";
    end.receiver.take({ type: "link-up", peer: peer.node, peerBoot: peer.receiver.boot });
  }

  /** This end is over: its node is told once, if it ever knew. */
  #down(link: Link<Message>, side: Side, reason: EndReason): void {
    const end = link.ends[side];
    if (end.state === "ended") return;
    const wasKnown = end.state !== "opening";
    this.#forget(link, side);
    const peer = link.ends[other(side)];
    if (wasKnown) {
      const peerBoot = peer.receiver.boot;
      end.receiver.take({ type: "link-down", peer: peer.node, peerBoot, reason });
    } else end.receiver.take({ type: "dial-failed", peer: peer.node, reason: "timeout" });
  }

  #forget(link: Link<Message>, side: Side): void {
    const end = link.ends[side];
    const peer = link.ends[other(side)];
    end.state = "ended";
    if (this.#links[end.node]?.[peer.node] === link) this.#keep(end.node, peer.node, undefined);
  }

  #post(link: Link<Message>, side: Side, content: Content<Message>): void {
    const { queue, wires } = this.#parts;
    const end = link.ends[side];
    const at = this.#parts.now() + wires.latencyMs(link.ends[other(side)].node, end.node);
    end.lastArrival = Math.max(end.lastArrival, at);
    queue.add(end.lastArrival, new Parcel(this, link, side, content));
  }

  #isCut(link: Link<Message>, side: Side): boolean {
    return this.#parts.wires.isCut(link.ends[other(side)].node, link.ends[side].node);
  }

  #at(time: number, happen: () => void): void {
    this.#parts.queue.add(time, { happen });
  }

  #keep(node: number, peer: number, link: Link<Message> | undefined): void {
    const links = (this.#links[node] ??= []);
    // Without holes: an array with holes far apart is a slow one.
    while (links.length < peer) links.push(undefined);
    links[peer] = link;
  }
}

function endOf<Message>(node: number, receiver: Receiver<Message>): End<Message> {
  return { node, receiver, state: "opening", lastArrival: 0, held: [] };
}

function sideOf<Message>(link: Link<Message>, node: number): Side {
  return link.ends[0].node === node ? 0 : 1;
}

function other(side: Side): Side {
  return side === 0 ? 1 : 0;
}
