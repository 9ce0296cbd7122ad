/** Engines for a contract suite on one etcd: each test has keys of its own. */
import { etcdEngine } from "../../../src/etcd/index.js";
import type { Engine } from "../../../src/engine/engine.js";
import { startEtcd, type EtcdCluster } from "./etcd-server.js";

export class EtcdKeyspaces implements AsyncDisposable {
  readonly #cluster: EtcdCluster;
  #keyspaces = 0;

  private constructor(cluster: EtcdCluster) {
    this.#cluster = cluster;
  }

  static async start(): Promise<EtcdKeyspaces> {
    // A short election timeout allows short leases.
    const flags = ["--heartbeat-interval", "50", "--election-timeout", "500"];
    return new EtcdKeyspaces(await startEtcd({ flags }));
  }

  /** An engine over keys that nobody has used. */
  create(): Promise<Engine> {
    this.#keyspaces += 1;
    return this.another();
  }

  /** One more over the same keys. */
  async another(): Promise<Engine> {
    const { endpoints } = this.#cluster;
    const namespace = `keys-${this.#keyspaces}/`;
    const opened = etcdEngine({ endpoints, namespace, timeout: "30s" });
    // It loads its client with the first request; jest lets nobody load anything between two tests.
    await opened.txn({ then: [] });
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}
