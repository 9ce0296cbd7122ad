/** What the namespaces' world and its node processes tell each other, over Node's channel to a child, not the network. */
import type { Command } from "../commands.js";

/** How a node process is to start; its one argument, as JSON. */
export interface HostedOptions {
  readonly cluster: string;
  readonly name: string;
  readonly secret: string;
  /** Keeps the node's id over restarts. */
  readonly dataDir: string;
  /** The host's own address on the wire. */
  readonly host: string;
  /** The ledger's file: outside of the process, so that a kill loses nothing that was done. */
  readonly ledger: string;
  /** Names of the hosts by address. Given only where links will be slow: then all dials go through a proxy. */
  readonly slowable: Readonly<Record<string, string>> | undefined;
}

export interface ToHosted {
  readonly seq: number;
  readonly command: Command | ProxyCommand;
}

/** What the proxy of a node process does to the connections that this node dialled. */
export type ProxyCommand =
  | {
      readonly type: "proxy-slow";
      readonly from: string;
      readonly to: string;
      readonly latencyMs: number;
      readonly jitterMs: number;
    }
  | { readonly type: "proxy-heal" };

export type FromHosted =
  | { readonly type: "up"; readonly key: string }
  | { readonly type: "answer"; readonly seq: number; readonly answer: unknown }
  | { readonly type: "failed"; readonly seq: number; readonly message: string };
