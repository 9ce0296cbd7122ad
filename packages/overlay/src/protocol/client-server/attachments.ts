/**
 * Attachments: which server every client goes to, with a bound on each server's load.
 *
 * Plain rendezvous hashing leaves the fullest of 32 servers with 1.4 times its share at 1,000
 * members. A bound would usually need servers that tell how full they are. Here it needs nobody,
 * since every node knows all members: it computes the whole assignment for itself. Clients like
 * servers by the score of the pair and servers like clients by the same score, so there is exactly
 * one stable matching (Gale, Shapley 1962, doi:10.1080/00029890.1962.11989827): the one that takes
 * pairs in falling order of score, each where the client is free and the server has room. Since it
 * is unique, it does not matter in which order a node heard of the members: those who know the
 * same assign the same.
 *
 * It is kept up to date and not computed anew: a client that comes or goes costs a score for each
 * server; only where a server is full, a search through the clients.
 *
 * Invariants: after each change every client has a server while there is one; no server has more
 * than `capacity` clients; no client and server would both rather have each other.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import { pairScore } from "./rank.js";

/** A member and its rank. */
export interface Ranked {
  readonly id: NodeId;
  readonly rank: number;
}

/** What changes at once; a promoted client is in `clientsGone` and in `serversCame`. */
export interface AttachmentsChange {
  readonly clientsCame: Ranked[];
  readonly clientsGone: NodeId[];
  readonly serversCame: Ranked[];
  readonly serversGone: NodeId[];
}

interface Client extends Ranked {
  server: Server | undefined;
  /** Of this client and its server. */
  score: number;
}

interface Server extends Ranked {
  readonly clients: Set<Client>;
}

export class Attachments {
  readonly #loadPercentMax: number;
  readonly #clients = new Map<NodeId, Client>();
  readonly #servers = new Map<NodeId, Server>();
  #capacity = 1;

  constructor(loadPercentMax: number) {
    assert(loadPercentMax >= 100, "the servers together have room for all clients");
    this.#loadPercentMax = loadPercentMax;
  }

  /** The clients a server has at most. */
  get capacity(): number {
    return this.#capacity;
  }

  kindOf(id: NodeId): "client" | "server" | undefined {
    if (this.#servers.has(id)) return "server";
    return this.#clients.has(id) ? "client" : undefined;
  }

  /** How many clients go to the server. */
  loadOf(server: NodeId): number {
    return this.#servers.get(server)?.clients.size ?? 0;
  }

  primaryOf(client: NodeId): NodeId | undefined {
    return this.#clients.get(client)?.server?.id;
  }

  /** All servers for a client: its own first, then by falling score. Nothing for a server. */
  choicesOf(id: NodeId): NodeId[] {
    const client = this.#clients.get(id);
    if (!client) return [];
    const scored = [...this.#servers.values()].map((server) => ({
      server,
      score: server === client.server ? Infinity : pairScore(client.rank, server.rank),
    }));
    scored.sort((a, b) => (isBetter(a.score, a.server, b.score, b.server) ? -1 : 1));
    return scored.map(({ server }) => server.id);
  }

  /** Every step leaves a stable matching, so that there is room for all in each of them. */
  apply(change: AttachmentsChange): void {
    const { clientsCame, clientsGone, serversCame, serversGone } = change;
    const clients = this.#clients.size + clientsCame.length - clientsGone.length;
    const servers = this.#servers.size + serversCame.length - serversGone.length;
    assert(servers > 0 || clients === 0, "clients have a server to go to");
    const share = (clients * this.#loadPercentMax) / (100 * Math.max(1, servers));
    const capacity = Math.max(1, Math.ceil(share));
    if (capacity > this.#capacity) this.#widen(capacity);
    for (const id of clientsGone) this.#removeClient(id);
    for (const server of serversCame) this.#addServer(server);
    for (const id of serversGone) this.#removeServer(id);
    for (const client of clientsCame) this.#addClient(client);
    if (capacity < this.#capacity) this.#narrow(capacity);
  }

  #addClient({ id, rank }: Ranked): void {
    assert(this.kindOf(id) === undefined, "a new client is neither client nor server");
    const client: Client = { id, rank, server: undefined, score: 0 };
    this.#clients.set(id, client);
    this.#place(client);
  }

  #removeClient(id: NodeId): void {
    const client = this.#clients.get(id);
    assert(client !== undefined, "a client that goes is one");
    this.#clients.delete(id);
    const { server } = client;
    if (!server) return;
    const wasFull = this.#isFull(server);
    server.clients.delete(client);
    if (wasFull) this.#fillAll([server]);
  }

  #addServer({ id, rank }: Ranked): void {
    assert(this.kindOf(id) === undefined, "a new server is neither client nor server");
    const server: Server = { id, rank, clients: new Set() };
    this.#servers.set(id, server);
    this.#fillAll([server]);
  }

  #removeServer(id: NodeId): void {
    const server = this.#servers.get(id);
    assert(server !== undefined, "a server that goes is one");
    this.#servers.delete(id);
    for (const client of server.clients) this.#place(client);
  }

  #widen(capacity: number): void {
    const full = [...this.#servers.values()].filter((server) => this.#isFull(server));
    this.#capacity = capacity;
    this.#fillAll(full);
  }

  #narrow(capacity: number): void {
    this.#capacity = capacity;
    const sentAway: Client[] = [];
    for (const server of this.#servers.values()) {
      if (server.clients.size <= capacity) continue;
      const worstLast = [...server.clients].sort((a, b) =>
        isBetter(a.score, a, b.score, b) ? -1 : 1,
      );
      for (const client of worstLast.slice(capacity)) {
        server.clients.delete(client);
        sentAway.push(client);
      }
    }
    for (const client of sentAway) this.#place(client);
  }

  /** A client without a server asks the best that takes it; whom that sends away asks next. */
  #place(first: Client): void {
    let asking: Client | undefined = first;
    while (asking) asking = this.#ask(asking);
  }

  #ask(client: Client): Client | undefined {
    let best: Server | undefined;
    let bestScore = -1;
    for (const server of this.#servers.values()) {
      const score = pairScore(client.rank, server.rank);
      if (best && !isBetter(score, server, bestScore, best)) continue;
      if (this.#isFull(server)) {
        const worst = worstOf(server);
        if (!isBetter(score, client, worst.score, worst)) continue;
      }
      best = server;
      bestScore = score;
    }
    client.server = best;
    client.score = bestScore;
    assert(best !== undefined || this.#servers.size === 0, "the servers have room for all clients");
    if (!best) return undefined;
    const sentAway = this.#isFull(best) ? worstOf(best) : undefined;
    if (sentAway) best.clients.delete(sentAway);
    best.clients.add(client);
    return sentAway;
  }

  /** Servers with room that clients would rather have take them, the best pairs first. */
  #fillAll(open: Server[]): void {
    for (let server = open.pop(); server; server = open.pop()) this.#fill(server, open);
  }

  #fill(server: Server, open: Server[]): void {
    const room = this.#capacity - server.clients.size;
    if (room <= 0) return;
    const willing: { readonly client: Client; readonly score: number }[] = [];
    for (const client of this.#clients.values()) {
      if (client.server === server || !client.server) continue;
      const score = pairScore(client.rank, server.rank);
      if (isBetter(score, server, client.score, client.server)) willing.push({ client, score });
    }
    willing.sort((a, b) => (isBetter(a.score, a.client, b.score, b.client) ? -1 : 1));
    for (const { client, score } of willing.slice(0, room)) {
      const left = client.server as Server;
      if (this.#isFull(left)) open.push(left);
      left.clients.delete(client);
      server.clients.add(client);
      client.server = server;
      client.score = score;
    }
  }

  #isFull(server: Server): boolean {
    return server.clients.size >= this.#capacity;
  }
}

/** Of two pairs that share one end: the higher score, or the lower id of the other end. */
function isBetter(score: number, end: Ranked, otherScore: number, otherEnd: Ranked): boolean {
  return score > otherScore || (score === otherScore && end.id < otherEnd.id);
}

function worstOf(server: Server): Client {
  let worst: Client | undefined;
  for (const client of server.clients) {
    if (!worst || isBetter(worst.score, worst, client.score, client)) worst = client;
  }
  assert(worst !== undefined, "a full server has clients");
  return worst;
}
