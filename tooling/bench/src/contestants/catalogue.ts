/** All contestants that are Node's, by name; a process loads only its own. */
import type { Contestant } from "./contestant.js";
import type { PayloadKind } from "./payloads.js";

interface Entry {
  readonly load: () => Promise<Contestant>;
  /** Which payloads it can carry without turning them into something else. */
  readonly carries: readonly PayloadKind[];
  /** Installed on demand. */
  readonly isPeer?: boolean;
  /** Needs a NATS server between its two processes. */
  readonly needsNats?: boolean;
}

const all: readonly PayloadKind[] = ["small", "objects", "bytes"];
const text: readonly PayloadKind[] = ["small", "objects"];
const peer = { isPeer: true, carries: text } as const;
const foundation = () => import("./foundation.js");
const bare = () => import("./bare-ws.js");
const moleculer = () => import("../../peers/moleculer.js");

export const catalogue: Readonly<Record<string, Entry>> = {
  foundation: { carries: all, load: async () => (await foundation()).foundation },
  "foundation-tls-psk": { carries: all, load: async () => (await foundation()).foundationTls },
  "ws-records-batched": { carries: all, load: async () => (await bare()).wsRecordsBatched },
  "ws-msgpackr-batched": { carries: all, load: async () => (await bare()).wsMsgpackrBatched },
  "ws-json-batched": { carries: text, load: async () => (await bare()).wsJsonBatched },
  "ws-json": { carries: text, load: async () => (await bare()).wsJson },
  "moleculer-0.15-tcp": { ...peer, load: async () => (await moleculer()).moleculer("0.15", "tcp") },
  "moleculer-0.14-tcp": { ...peer, load: async () => (await moleculer()).moleculer("0.14", "tcp") },
  "moleculer-0.15-nats": {
    ...peer,
    needsNats: true,
    load: async () => (await moleculer()).moleculer("0.15", "nats"),
  },
  cote: { ...peer, load: async () => (await import("../../peers/cote.js")).cote },
  nats: {
    ...peer,
    carries: all,
    needsNats: true,
    load: async () => (await import("../../peers/nats.js")).nats,
  },
  "effect-rpc": { ...peer, load: async () => (await import("../../peers/effect.js")).effectRpc },
  libp2p: { ...peer, load: async () => (await import("../../peers/libp2p.js")).libp2p },
};

/** @throws {Error} for a name that is none */
export function entryOf(name: string): Entry {
  const entry = catalogue[name];
  if (entry === undefined) throw new Error(`There is no contestant ${name}`);
  return entry;
}
