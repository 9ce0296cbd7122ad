/** A process that loads an etcd by gRPC, with the engine an application would use. */
import { etcdEngine } from "@foundation/consensus/etcd";
import { load } from "./load.js";
import type { Heard, Told } from "./messages.js";
import { KEYS, VALUE_BYTES } from "./wrk.js";

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const { endpoint } = JSON.parse(process.argv[2] ?? "{}") as { readonly endpoint: string };
const engine = etcdEngine({ endpoints: [endpoint] });
const value = new Uint8Array(VALUE_BYTES).fill(118);
const key = () => `bench/${Math.floor(Math.random() * KEYS)}`;
const requests = {
  write: () => engine.txn({ then: [{ type: "put", key: key(), value }] }),
  read: () => engine.txn({ then: [{ type: "range", key: key() }] }),
};
await requests.write();

process.on("message", (told: Told) => {
  if (told.type !== "load") return;
  void load(told.clients, told.forMs, requests[told.kind]).then((found) =>
    tell({ type: "loaded", found }),
  );
});
tell({ type: "up" });
