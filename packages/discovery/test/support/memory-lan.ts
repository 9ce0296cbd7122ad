/**
 * MemoryLan: the twin of the local network. Hosts with addresses, datagrams that take time, get lost, come twice or out of
 * order, all by one seed and on virtual time.
 */
import type { Clock, Random } from "@foundation/core";
import type {
  DatagramNetwork,
  DatagramOptions,
  DatagramSocket,
} from "../../src/lan/datagram-network.js";
import { pathOfSource, type NetworkPath } from "../../src/protocol/lan/network-paths.js";

export interface LanFaults {
  /** The share of datagrams that do not arrive, 0 to 1. */
  loss: number;
  /** The share that arrive twice. */
  duplication: number;
  delayMsMax: number;
}

interface Open {
  readonly host: MemoryHost;
  readonly options: DatagramOptions;
  isClosed: boolean;
}

/** An IPv4 path of a host; the first three numbers of its address are its network. */
export function pathOf(name: string, address: string): NetworkPath {
  const internal = address.startsWith("127.");
  const netmask = internal ? "255.0.0.0" : "255.255.255.0";
  const key = `${name}/${address}`;
  return { key, interface: name, family: 4, address, netmask, internal, dialable: { 4: address } };
}

export class MemoryLan {
  readonly faults: LanFaults = { loss: 0, duplication: 0, delayMsMax: 1 };
  /** Every datagram that was sent, for a test to look at or to send again. */
  readonly sent: { readonly from: string; readonly port: number; readonly datagram: Uint8Array }[] =
    [];
  readonly #open = new Set<Open>();

  constructor(
    readonly clock: Clock,
    readonly random: Random,
  ) {}

  /** A machine with these addresses, one for each interface: eth0, eth1, … */
  host(...addresses: readonly string[]): MemoryHost {
    return new MemoryHost(this, addresses);
  }

  /** Puts a datagram onto the network, from whatever address. */
  inject(from: string, port: number, datagram: Uint8Array): void {
    this.sent.push({ from, port, datagram });
    for (const open of this.#open) {
      if (open.options.port !== port) continue;
      const path = pathOfSource(from, open.host.paths);
      if (path === undefined) continue;
      if (open.host.trouble === "down" || this.random.next() < this.faults.loss) continue;
      const isMangled = open.host.trouble === "mangled";
      const arriving = isMangled
        ? datagram.map((byte, i) => (i < 60 ? byte ^ 0x5a : byte))
        : datagram;
      const copies = this.random.next() < this.faults.duplication ? 2 : 1;
      for (let copy = 0; copy < copies; copy += 1) {
        const delayMs = this.random.next() * this.faults.delayMsMax;
        this.clock.setTimer(delayMs, () => {
          if (!open.isClosed) open.options.received(arriving, { address: from, port, path });
        });
      }
    }
  }

  open(host: MemoryHost, options: DatagramOptions): DatagramSocket {
    const open: Open = { host, options, isClosed: false };
    this.#open.add(open);
    this.clock.setTimer(0, () => {
      if (open.isClosed) return;
      if (host.trouble === "down")
        options.failed("sending over eth0", new Error("network is down"));
      options.changed(host.paths);
    });
    return {
      get paths() {
        return host.paths;
      },
      send: (datagram, path) => {
        if (!open.isClosed) this.inject(path.address, options.port, datagram);
      },
      close: () => {
        open.isClosed = true;
        this.#open.delete(open);
        return Promise.resolve();
      },
    };
  }

  changed(host: MemoryHost): void {
    for (const open of this.#open) if (open.host === host) open.options.changed(host.paths);
  }

  failed(host: MemoryHost, what: string): void {
    for (const open of this.#open) {
      if (open.host === host) open.options.failed(what, new Error("network is unreachable"));
    }
  }
}

export class MemoryHost implements DatagramNetwork {
  /** `down`: nothing arrives. `mangled`: what arrives has been changed on its way. */
  trouble: "down" | "mangled" | undefined;
  #paths: readonly NetworkPath[];

  constructor(
    readonly lan: MemoryLan,
    addresses: readonly string[],
  ) {
    this.#paths = addresses.map((address, i) => pathOf(`eth${i}`, address));
  }

  get paths(): readonly NetworkPath[] {
    return this.#paths;
  }

  /** The machine is on another network from now on. */
  move(...addresses: readonly string[]): void {
    this.#paths = addresses.map((address, i) => pathOf(`eth${i}`, address));
    this.lan.changed(this);
  }

  open(options: DatagramOptions): DatagramSocket {
    return this.lan.open(this, options);
  }
}
