/**
 * udpNetwork: multicast and broadcast over node:dgram, on every interface, whatever happens to them.
 *
 * What Node's sockets want to have told on Linux, and what goes wrong otherwise:
 * - a socket bound to one of the machine's addresses hears no multicast; bound to 0.0.0.0 it takes unicast away from
 *   other programs on the same port (avahi has 5353 too). So IPv4 is heard on a socket bound to the group itself;
 * - memberships are by interface, and a process hears every group that any process of the machine joined. So there is one
 *   socket that hears and one for each interface that sends, and the source address tells the path;
 * - an IPv6 group is one of an interface: one socket each, bound to `group%interface`.
 *
 * Interfaces are looked at every two seconds, and every path that is wanted and not there is opened again.
 */
import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Timer } from "@foundation/core";
import { lanLimits } from "../protocol/lan/limits.js";
import {
  broadcastAddressOf,
  pathOfSource,
  pathsOf,
  type InterfaceTable,
  type NetworkPath,
} from "../protocol/lan/network-paths.js";
import type { DatagramNetwork, DatagramOptions, DatagramSocket } from "./datagram-network.js";

/** This machine's network. */
export function udpNetwork(interfaces: () => InterfaceTable = networkInterfaces): DatagramNetwork {
  return { open: (options) => new UdpSockets(options, interfaces) };
}

/** One path with the socket that sends over it. */
interface Way {
  path: NetworkPath;
  readonly socket: Socket;
  isReady: boolean;
}

class UdpSockets implements DatagramSocket {
  readonly #options: DatagramOptions;
  readonly #interfaces: () => InterfaceTable;
  readonly #ways = new Map<string, Way>();
  readonly #closings = new Set<Promise<void>>();
  /** Hears IPv4 on all paths. */
  #ear: Way | undefined;
  #paths: readonly NetworkPath[] = [];
  #timer: Timer | undefined;
  #told = "";
  #closing: Promise<void> | undefined;
  #waiting = 0;
  #idle: () => void = () => undefined;

  constructor(options: DatagramOptions, interfaces: () => InterfaceTable) {
    this.#options = options;
    this.#interfaces = interfaces;
    this.#timer = options.clock.setTimer(0, () => this.#scan());
  }

  get paths(): readonly NetworkPath[] {
    return this.#paths;
  }

  send(datagram: Uint8Array, path: NetworkPath): void {
    const way = this.#ways.get(path.key);
    const to = this.#targetOf(path);
    if (way === undefined || !way.isReady || to === undefined) return;
    this.#waiting += 1;
    way.socket.send(datagram, this.#options.port, to, (error) => {
      this.#waiting -= 1;
      if (error) this.#failed(`sending over ${path.interface}`, error);
      if (this.#waiting === 0) this.#idle();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    let limit: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      limit = this.#options.clock.setTimer(lanLimits.closeMs, resolve);
    });
    if (this.#waiting > 0) {
      await Promise.race([new Promise<void>((resolve) => (this.#idle = resolve)), late]);
    }
    for (const way of [this.#ear, ...this.#ways.values()]) if (way !== undefined) this.#shut(way);
    await Promise.race([Promise.all(this.#closings), late]);
    limit?.cancel();
  }

  /** Brings the sockets in line with the interfaces there are now. */
  #scan(): void {
    const { clock, groups, interfaces } = this.#options;
    this.#timer = clock.setTimer(lanLimits.interfaceScanMs, () => this.#scan());
    const families = ([4, 6] as const).filter((family) => groups[family] !== undefined);
    let wanted: readonly NetworkPath[];
    try {
      wanted = pathsOf(this.#interfaces(), { interfaces, families });
    } catch (error) {
      return this.#failed("reading the network interfaces", asError(error));
    }
    for (const way of this.#ways.values()) {
      const path = wanted.find(({ key }) => key === way.path.key);
      // Another address of the interface may have come or gone: nobody is told of the old one any more.
      if (path !== undefined) way.path = path;
      else this.#shut(way);
    }
    const firstOfFour = wanted.find(({ family }) => family === 4);
    if (firstOfFour !== undefined && this.#ear === undefined) this.#openEar(firstOfFour);
    for (const path of wanted) {
      const way = this.#ways.get(path.key);
      if (way === undefined) this.#openWay(path);
      else if (way.isReady) this.#join(way);
    }
    this.#tell();
    if (wanted.length === 0) {
      const which = interfaces.length > 0 ? ` among ${interfaces.join(", ")}` : "";
      this.#failed("finding a network", new Error(`no usable network interface${which}`));
    }
  }

  #openEar(path: NetworkPath): void {
    const { groups, port, broadcast } = this.#options;
    const way = this.#socketFor(path, "udp4");
    this.#ear = way;
    // Windows cannot bind to a group; a broadcast is not sent to one.
    const isGroup = process.platform !== "win32" && !broadcast;
    this.#bind(way, port, isGroup ? (groups[4] ?? "0.0.0.0") : "0.0.0.0", () => {
      for (const each of this.#ways.values()) if (each.isReady) this.#join(each);
    });
  }

  #openWay(path: NetworkPath): void {
    const { groups, port, ttl, broadcast, fromPort } = this.#options;
    const way = this.#socketFor(path, path.family === 4 ? "udp4" : "udp6");
    this.#ways.set(path.key, way);
    const { socket } = way;
    const set = () => {
      if (path.family === 6) {
        socket.setMulticastInterface(`::%${zoneOf(path)}`);
      } else if (broadcast) {
        socket.setBroadcast(true);
      } else {
        socket.setMulticastInterface(path.address);
      }
      if (path.family === 6 || !broadcast) {
        socket.setMulticastTTL(ttl);
        socket.setMulticastLoopback(true);
      }
      this.#join(way);
      this.#tell();
    };
    if (path.family === 6) return this.#bind(way, port, `${groups[6]}%${zoneOf(path)}`, set);
    if (!fromPort) return this.#bind(way, 0, path.address, set);
    const isWindows = process.platform === "win32";
    this.#bind(way, port, isWindows ? path.address : (groups[4] ?? "0.0.0.0"), set);
  }

  #socketFor(path: NetworkPath, type: "udp4" | "udp6"): Way {
    const socket = createSocket({
      type,
      reuseAddr: true,
      ...(type === "udp6" && { ipv6Only: true }),
    });
    const way: Way = { path, socket, isReady: false };
    socket.on("error", (error) => {
      this.#failed(`listening on ${path.interface}`, error);
      this.#drop(way);
    });
    // Of the IPv4 sockets only one is listened to: each of them hears everything.
    socket.on("message", (datagram, { address, port }) => {
      if (this.#closing !== undefined || (type === "udp4" && way !== this.#ear)) return;
      // An IPv6 socket is one path's own.
      const path = type === "udp6" ? way.path : pathOfSource(address, this.#paths);
      this.#options.received(datagram, { address, port, path });
    });
    return way;
  }

  #bind(way: Way, port: number, address: string, ready: () => void): void {
    way.socket.bind({ port, address, exclusive: true }, () => {
      try {
        way.isReady = true;
        ready();
      } catch (error) {
        this.#failed(`opening ${way.path.interface}`, asError(error));
        this.#drop(way);
      }
    });
  }

  /** Joins the group on a path; again and again, since an interface that was away has forgotten it. */
  #join(way: Way): void {
    const { path } = way;
    const group = this.#options.groups[path.family];
    if (group === undefined || (path.family === 4 && this.#options.broadcast)) return;
    try {
      this.#hearingFor(way)?.addMembership(group, memberOf(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return;
      this.#failed(`joining the group on ${path.interface}`, asError(error));
    }
  }

  /** The socket that hears what comes over a path. */
  #hearingFor({ path, socket }: Way): Socket | undefined {
    if (path.family === 6) return socket;
    return this.#ear?.isReady ? this.#ear.socket : undefined;
  }

  #targetOf(path: NetworkPath): string | undefined {
    const { groups, broadcast } = this.#options;
    if (path.family === 6) return `${groups[6]}%${zoneOf(path)}`;
    return broadcast ? broadcastAddressOf(path) : groups[4];
  }

  /** It is not to be used any more; the next look at the interfaces opens it again. */
  #drop(way: Way): void {
    this.#shut(way);
    this.#tell();
  }

  #shut(way: Way): void {
    if (this.#ear === way) this.#ear = undefined;
    if (this.#ways.get(way.path.key) === way) this.#ways.delete(way.path.key);
    way.isReady = false;
    const closed = new Promise<void>((resolve) => {
      try {
        way.socket.close(() => resolve());
      } catch {
        // It was closed before.
        resolve();
      }
    });
    this.#closings.add(closed);
    void closed.then(() => this.#closings.delete(closed));
  }

  /** Tells the paths that can be used now, when they are others. */
  #tell(): void {
    if (this.#closing !== undefined) return;
    const ready = [...this.#ways.values()].filter(({ isReady }) => isReady);
    this.#paths = ready.map(({ path }) => path);
    const keys = this.#paths.map(({ key, dialable }) => key + JSON.stringify(dialable)).sort();
    const told = `paths ${keys.join()}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#options.changed(this.#paths);
  }

  #failed(what: string, error: Error): void {
    if (this.#closing === undefined) this.#options.failed(what, error);
  }
}

/** How the kernel wants to be told an interface. */
function memberOf(path: NetworkPath): string {
  return path.family === 6 ? `::%${zoneOf(path)}` : path.address;
}

/** Windows knows interfaces by number, the others by name. */
function zoneOf({ interface: name, key }: NetworkPath): string {
  return process.platform === "win32" ? (key.split("/").at(-1) ?? name) : name;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
