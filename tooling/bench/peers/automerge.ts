/** automerge-repo over its own WebSocket adapters; texts as scalars, which cost it less than documents. */
import type { MapContestant, Replica } from "../src/crdt/contestant.js";

type Doc = { readonly m: Record<string, unknown> };
interface Handle {
  readonly url: string;
  doc(): Doc | undefined;
  change(write: (doc: Doc) => void): void;
}
interface Repo {
  create(initial: Doc): Handle;
  find(url: string): Promise<Handle>;
}
interface Loaded {
  Repo: new (options: object) => Repo;
  ImmutableString: new (text: string) => unknown;
}
interface Adapters {
  WebSocketServerAdapter: new (server: unknown) => unknown;
  WebSocketClientAdapter: new (url: string) => unknown;
}
interface Ws {
  WebSocketServer: new (options: object) => { once(event: string, then: () => void): void };
}

const load = async <T>(name: string) => (await import(name)) as T;
let repo: Repo | undefined;
let scalar: (text: string) => unknown = (text) => text;

async function loaded(): Promise<Loaded> {
  const all = await load<Loaded>("@automerge/automerge-repo");
  scalar = (text) => new all.ImmutableString(text);
  return all;
}

function replicaOf(handle: Handle): Replica {
  let seen: Doc | undefined;
  let size = 0;
  return {
    get size() {
      const doc = handle.doc();
      if (doc !== seen && doc !== undefined) {
        seen = doc;
        size = Object.keys(doc.m).length;
      }
      return size;
    },
    batch: (write) =>
      handle.change(({ m }) => {
        write({
          set: (key, value) => {
            m[key] = scalar(value);
          },
          delete: (key) => {
            delete m[key];
          },
        });
      }),
  };
}

export const automerge: MapContestant = {
  async serve(port) {
    const { Repo } = await loaded();
    const adapters = await load<Adapters>("@automerge/automerge-repo-network-websocket");
    const { WebSocketServer } = await load<Ws>("ws");
    const server = new WebSocketServer({ port, host: "127.0.0.1" });
    await new Promise<void>((resolve) => server.once("listening", resolve));
    repo = new Repo({ network: [new adapters.WebSocketServerAdapter(server)] });
    return { address: `ws://127.0.0.1:${port}` };
  },
  async hold() {
    if (repo === undefined) throw new Error("serve comes first");
    const handle = repo.create({ m: {} });
    return { replica: replicaOf(handle), where: handle.url };
  },
  async join(address, where) {
    const { Repo } = await loaded();
    const adapters = await load<Adapters>("@automerge/automerge-repo-network-websocket");
    const client = new Repo({ network: [new adapters.WebSocketClientAdapter(address)] });
    return replicaOf(await client.find(where));
  },
};
