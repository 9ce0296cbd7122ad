/**
 * ClusterNetworkAdapter: a Foundation cluster as automerge-repo's network.
 *
 * A repository on a node finds the repositories of the same name on the other members: it says hello to each, with its
 * peer id, and who has one answers with theirs. Which node a peer is on is thereby known and authenticated: a message
 * whose sender is not that node's own peer is dropped. automerge-repo's sync protocol wants an ordered stream that loses
 * nothing while a peer is there. So whatever might have lost a message (a link that broke, a queue that ran over) ends the
 * peer and greets it anew, and the protocol starts again from what both have.
 */
import {
  NetworkAdapter,
  type Message,
  type PeerId,
  type PeerMetadata,
} from "@automerge/automerge-repo/slim";
import {
  coreErrors,
  isFoundationError,
  nodeRuntime,
  type InboundMessage,
  type Membership,
  type MembershipEvent,
  type Messenger,
  type NodeId,
  type Route,
  type Runtime,
} from "@foundation/core";
import { adapterLimits } from "./limits.js";

export interface ClusterNetworkAdapterOptions {
  readonly messenger: Messenger;
  readonly membership: Membership;
  /** Repositories of one name meet; 1 to 64 letters, digits, `.`, `_` or `-`. @default "default" */
  readonly name?: string;
  readonly runtime?: Partial<Runtime>;
}

/** Another node's repository. */
interface Peer {
  readonly peerId: PeerId;
  /** Tells a repository that connected again from the one before. */
  readonly session: number;
  /** Messages that wait for room. */
  waiting: number;
}

interface Hello {
  readonly peerId: PeerId;
  readonly metadata: PeerMetadata;
  readonly session: number;
}

const CHANNEL = "data";

/**
 * Connects a repository to those of the same name in the cluster.
 *
 * @example
 * ```ts
 * import { Repo } from "@automerge/automerge-repo"
 * import type { Membership, Messenger } from "@foundation/core"
 * import { ClusterNetworkAdapter } from "@foundation/crdt/automerge-repo"
 *
 * export function repoOf(node: { messenger: Messenger; membership: Membership }) {
 *   return new Repo({ network: [new ClusterNetworkAdapter({ ...node, name: "boards" })] })
 * }
 * ```
 */
export class ClusterNetworkAdapter extends NetworkAdapter {
  readonly #options: ClusterNetworkAdapterOptions;
  readonly #runtime: Pick<Runtime, "clock" | "random" | "logger">;
  readonly #subject: string;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #nodes = new Map<PeerId, NodeId>();
  /** Aborted by `disconnect`: ends greetings and what waits to be sent. */
  #connection: { readonly abort: AbortController; readonly session: number } | undefined;
  #ends: (() => void)[] = [];
  #isReady = false;
  readonly #ready: Promise<void>;
  #becomeReady: () => void = () => undefined;

  /** @throws {ERR_INVALID_ARGUMENT} for a name that is none. */
  constructor(options: ClusterNetworkAdapterOptions) {
    super();
    this.#options = options;
    this.#runtime = nodeRuntime(options.runtime);
    this.#subject = `automerge-repo.${checkedName(options.name ?? "default")}`;
    this.#ready = new Promise((resolve) => {
      this.#becomeReady = () => {
        this.#isReady = true;
        resolve();
      };
    });
  }

  isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when the members of the moment of `connect` have answered, after a second at the latest. */
  whenReady(): Promise<void> {
    return this.#ready;
  }

  /** @throws {ERR_INVALID_ARGUMENT} when a repository of this name is connected on this node already. */
  connect(peerId: PeerId, peerMetadata: PeerMetadata = {}): void {
    if (this.#connection !== undefined) this.disconnect();
    const { messenger, membership } = this.#options;
    this.peerId = peerId;
    this.peerMetadata = peerMetadata;
    const session = this.#runtime.random.uint32();
    const connection = { abort: new AbortController(), session };
    this.#ends = [
      messenger.handle(`${this.#subject}.hello`, (message) => this.#greeted(message)),
      messenger.handle(`${this.#subject}.bye`, ({ from }) => this.#gone(from)),
      messenger.handle(`${this.#subject}.message`, (message) => this.#received(message)),
      membership.subscribe((event) => this.#memberChanged(event)),
    ];
    this.#connection = connection;
    const others = membership.members().filter(({ id }) => id !== messenger.self);
    const answers = Promise.all(others.map(({ id }) => this.#greet(id)));
    const late = this.#runtime.clock.sleep(adapterLimits.readyMs, {
      signal: connection.abort.signal,
    });
    void Promise.race([answers, late]).then(this.#becomeReady, this.#becomeReady);
  }

  send(message: Message): void {
    const node = this.#nodes.get(message.targetId);
    const peer = node === undefined ? undefined : this.#peers.get(node);
    if (node === undefined || peer === undefined || this.#connection === undefined) return;
    if (peer.waiting >= adapterLimits.waitingMax) {
      this.#again(node, peer, `${peer.waiting} messages wait for room`);
      return;
    }
    peer.waiting += 1;
    const { signal } = this.#connection.abort;
    this.#options.messenger.send(this.#route(node, "message"), message, { signal }).then(
      () => (peer.waiting -= 1),
      (error: unknown) => this.#again(node, peer, String(error)),
    );
  }

  disconnect(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    connection.abort.abort();
    for (const end of this.#ends) end();
    for (const node of this.#peers.keys()) {
      this.#options.messenger.trySend(this.#route(node, "bye"), undefined);
      this.#gone(node);
    }
    this.emit("close");
  }

  /** Says hello until the member answers, has no such repository, or is gone. The first round is awaited. */
  async #greet(node: NodeId, failures = 0): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#options.membership.member(node) === undefined) return;
    const { signal } = connection.abort;
    try {
      const route = this.#route(node, "hello");
      const timeoutMs = adapterLimits.helloTimeoutMs;
      const answer = await this.#options.messenger.request(route, this.#hello(), {
        signal,
        timeoutMs,
      });
      if (!signal.aborted) this.#met(node, answer);
    } catch (error) {
      // Who has no repository of this name says hello itself when it opens one.
      if (signal.aborted || (isFoundationError(error) && error.code === "ERR_UNKNOWN_SUBJECT"))
        return;
      const { helloRetryMinMs, helloRetryMaxMs } = adapterLimits;
      const pauseMs = Math.min(helloRetryMaxMs, helloRetryMinMs * 2 ** Math.min(failures, 16));
      void this.#runtime.clock
        .sleep(pauseMs, { signal })
        .then(() => this.#greet(node, failures + 1))
        .catch(() => undefined);
    }
  }

  #hello(): Hello {
    const session = this.#connection?.session ?? 0;
    return { peerId: this.peerId as PeerId, metadata: this.peerMetadata ?? {}, session };
  }

  #greeted({ from, payload }: InboundMessage): Hello {
    this.#met(from, payload);
    return this.#hello();
  }

  #met(node: NodeId, payload: unknown): void {
    const hello = helloOf(payload);
    if (hello === undefined) {
      this.#runtime.logger.warn("A hello to this repository was not understood", { node });
      return;
    }
    const known = this.#peers.get(node);
    if (known?.session === hello.session && known.peerId === hello.peerId) return;
    if (known !== undefined) this.#gone(node);
    this.#peers.set(node, { peerId: hello.peerId, session: hello.session, waiting: 0 });
    this.#nodes.set(hello.peerId, node);
    this.emit("peer-candidate", { peerId: hello.peerId, peerMetadata: hello.metadata });
  }

  #received({ from, payload }: InboundMessage): void {
    const message = payload as Message | undefined;
    const peer = this.#peers.get(from);
    // Before the hello, after the goodbye, or in another's name.
    if (peer === undefined || message?.senderId !== peer.peerId) return;
    if (message.targetId !== this.peerId || typeof message.type !== "string") return;
    this.emit("message", message);
  }

  #memberChanged(event: MembershipEvent): void {
    const { id } = event.node;
    if (event.type === "node-up" && event.previous === undefined) void this.#greet(id);
    if (event.type === "node-down" || event.type === "node-left") this.#gone(id);
  }

  #gone(node: NodeId): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#peers.delete(node);
    if (this.#nodes.get(peer.peerId) === node) this.#nodes.delete(peer.peerId);
    this.emit("peer-disconnected", { peerId: peer.peerId });
  }

  /** Something may be lost: both sides begin anew, which the other learns by the new session. */
  #again(node: NodeId, peer: Peer, reason: string): void {
    if (this.#connection === undefined || this.#peers.get(node) !== peer) return;
    this.#runtime.logger.info("A repository is greeted anew", { peer: peer.peerId, reason });
    this.#gone(node);
    this.#connection = { abort: this.#connection.abort, session: this.#connection.session + 1 };
    void this.#greet(node);
  }

  #route(to: NodeId, word: "hello" | "bye" | "message"): Route {
    return { to, channel: CHANNEL, subject: `${this.#subject}.${word}` };
  }
}

function helloOf(payload: unknown): Hello | undefined {
  const hello = payload as Partial<Hello> | null | undefined;
  const isHello =
    typeof hello?.peerId === "string" &&
    hello.peerId !== "" &&
    typeof hello.session === "number" &&
    typeof hello.metadata === "object" &&
    hello.metadata !== null;
  return isHello ? (hello as Hello) : undefined;
}

function checkedName(name: string): string {
  const expected = `1 to ${adapterLimits.nameCharsMax} letters, digits, ".", "_" or "-"`;
  if (/^[A-Za-z0-9._-]+$/.test(name) && name.length <= adapterLimits.nameCharsMax) return name;
  const found = JSON.stringify(name).slice(0, 80);
  throw coreErrors.ERR_INVALID_ARGUMENT(`name must be ${expected}, found ${found}`, {
    argument: "name",
    expected,
    found,
  });
}
