/**
 * Plan: who is a server and who goes to which, as every node that knows the same members sees it.
 *
 * It knows no links and no time, so it can also say where *another* node will be found: that is
 * how a message finds its way to a client without a table that anybody would have to spread.
 *
 * Invariant: each member is either a server or a client, in the electorate and in the attachments.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import { Attachments, type AttachmentsChange } from "./attachments.js";
import type { Member } from "./effects.js";
import { Electorate } from "./electorate.js";
import type { ClientServerLimits } from "./limits.js";

export class Plan {
  readonly #electorate: Electorate;
  readonly #attachments: Attachments;
  /** Best rank first; the same as `#serverIds`. */
  #servers: readonly NodeId[] = [];
  #serverIds: ReadonlySet<NodeId> = new Set();

  constructor(limits: ClientServerLimits) {
    this.#electorate = new Electorate(limits);
    this.#attachments = new Attachments(limits.loadPercentMax);
  }

  /** The servers, best rank first. */
  get servers(): readonly NodeId[] {
    return this.#servers;
  }

  get members(): number {
    return this.#electorate.size;
  }

  /** The clients a server has at most. */
  get capacity(): number {
    return this.#attachments.capacity;
  }

  knows(id: NodeId): boolean {
    return this.#electorate.get(id) !== undefined;
  }

  isServer(id: NodeId): boolean {
    return this.#serverIds.has(id);
  }

  /** False for two clients. A node that is no member yet may be anybody's first contact. */
  mayLink(a: NodeId, b: NodeId): boolean {
    return this.isServer(a) || this.isServer(b) || !this.knows(a) || !this.knows(b);
  }

  /** The servers in the order in which the client wants them; the first is its primary. */
  choicesOf(client: NodeId): readonly NodeId[] {
    return this.#attachments.choicesOf(client);
  }

  primaryOf(client: NodeId): NodeId | undefined {
    return this.#attachments.primaryOf(client);
  }

  /** How many clients have the server as their primary. */
  loadOf(server: NodeId): number {
    return this.#attachments.loadOf(server);
  }

  /** Takes in changes; returns how many members were too many. */
  apply(came: readonly Member[], gone: readonly NodeId[]): number {
    const refused = this.#electorate.apply(came, gone);
    const before = this.#servers;
    this.#servers = this.#electorate.elect().map(({ id }) => id);
    this.#serverIds = new Set(this.#servers);
    assert(this.#servers.length > 0 || this.members === 0, "among members there is a server");
    const touched = new Set([...gone, ...came.map(({ id }) => id), ...before, ...this.#servers]);
    this.#attachments.apply(this.#changeOf(touched));
    return refused;
  }

  #changeOf(touched: ReadonlySet<NodeId>): AttachmentsChange {
    const change: AttachmentsChange = {
      clientsCame: [],
      clientsGone: [],
      serversCame: [],
      serversGone: [],
    };
    for (const id of touched) {
      const candidate = this.#electorate.get(id);
      const kind = candidate && (this.isServer(id) ? "server" : "client");
      const old = this.#attachments.kindOf(id);
      if (kind === old) continue;
      if (old === "client") change.clientsGone.push(id);
      if (old === "server") change.serversGone.push(id);
      if (candidate && kind === "client") change.clientsCame.push(candidate);
      if (candidate && kind === "server") change.serversCame.push(candidate);
    }
    return change;
  }
}
