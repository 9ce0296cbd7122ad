/**
 * Network paths: over which interface addresses a node talks to its neighbours, and which address it announces there.
 *
 * Pure: what the operating system says of its interfaces comes in as data. A path is one interface and one family of
 * addresses. Invariants: without a choice, loopback is used only when there is nothing else; a node that listens on
 * loopback only is announced on loopback only, since anybody else would dial himself.
 */
import { lanLimits } from "./limits.js";

/** One address of one interface, as `os.networkInterfaces()` gives it. */
export interface InterfaceAddress {
  readonly address: string;
  readonly netmask: string;
  readonly family: string;
  readonly mac: string;
  readonly internal: boolean;
  readonly scopeid?: number | undefined;
}

export type InterfaceTable = Readonly<Record<string, readonly InterfaceAddress[] | undefined>>;

/** One way onto the network. */
export interface NetworkPath {
  /** The same as long as the interface and its address are the same. */
  readonly key: string;
  readonly interface: string;
  readonly family: 4 | 6;
  /** What sockets are bound to; of IPv6 a link-local address where there is one. */
  readonly address: string;
  readonly netmask: string;
  readonly internal: boolean;
  /** The addresses of the interface that others can dial, by family; link-local ones cannot be. */
  readonly dialable: { readonly 4?: string; readonly 6?: string };
}

export interface PathWishes {
  /** Names or addresses of interfaces. Empty: all that lead out, else loopback. */
  readonly interfaces: readonly string[];
  readonly families: readonly (4 | 6)[];
}

/** The paths of this machine, by name of interface and family. */
export function pathsOf(table: InterfaceTable, wishes: PathWishes): readonly NetworkPath[] {
  const all = Object.keys(table)
    .sort()
    .flatMap((name) => pathsOfInterface(name, table[name] ?? []))
    .filter(({ family }) => wishes.families.includes(family))
    // Loopback carries no multicast of IPv6.
    .filter(({ internal, family }) => !internal || family === 4);
  const wanted = all.filter((path) => isWanted(path, table, wishes.interfaces));
  const chosen = wishes.interfaces.length > 0 ? wanted : outside(wanted);
  return chosen.slice(0, lanLimits.pathsMax);
}

/** Loopback only where nothing leads out. */
function outside(paths: readonly NetworkPath[]): readonly NetworkPath[] {
  const leadingOut = paths.filter(({ internal }) => !internal);
  return leadingOut.length > 0 ? leadingOut : paths;
}

function pathsOfInterface(
  name: string,
  addresses: readonly InterfaceAddress[],
): readonly NetworkPath[] {
  const four = addresses.find(({ family }) => family === "IPv4");
  const six = addresses.filter(({ family }) => family === "IPv6");
  const global = six.find(({ address }) => !isLinkLocal(address));
  const dialable = {
    ...(four !== undefined && { 4: four.address }),
    ...(global !== undefined && { 6: global.address }),
  };
  const bound = six.find(({ address }) => isLinkLocal(address)) ?? global;
  const paths: NetworkPath[] = [];
  if (four !== undefined) paths.push({ ...basics(name, four), family: 4, dialable });
  if (bound !== undefined) paths.push({ ...basics(name, bound), family: 6, dialable });
  return paths;
}

function basics(name: string, { address, netmask, internal, mac, scopeid }: InterfaceAddress) {
  // The hardware address and the index tell an interface from another of the same name that took its place.
  const key = [name, address, mac, scopeid ?? ""].join("/");
  return { key, interface: name, address, netmask, internal };
}

function isWanted(path: NetworkPath, table: InterfaceTable, wanted: readonly string[]): boolean {
  if (wanted.length === 0 || wanted.includes(path.interface)) return true;
  return (table[path.interface] ?? []).some(({ address }) => wanted.includes(address));
}

function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** Where this node may be dialled. */
export interface OwnListening {
  /** The host of `context.self.address`, without brackets. */
  readonly host: string;
  /** What it is bound to, where that is known: `0.0.0.0` and `::` are every address. */
  readonly listensOn?: string | undefined;
}

/** The host to announce over a path; undefined where nobody could reach this node by it. */
export function announcedHost(path: NetworkPath, own: OwnListening): string | undefined {
  if (isLoopbackHost(own.host)) return path.internal ? own.host : everywhere(path, own);
  return everywhere(path, own) ?? own.host;
}

/** A node that listens on all addresses is announced by those of the interface, of the path's own family first. */
function everywhere({ family, dialable }: NetworkPath, own: OwnListening): string | undefined {
  if (own.listensOn === "0.0.0.0") return dialable[4];
  if (own.listensOn !== "::") return undefined;
  return dialable[family] ?? dialable[family === 4 ? 6 : 4];
}

/** True for the names and addresses that mean this machine and nobody else. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** The path that a datagram came over, by its source address; undefined when it cannot be told. */
export function pathOfSource(
  source: string,
  paths: readonly NetworkPath[],
): NetworkPath | undefined {
  const [plain = "", zone] = source.split("%");
  if (zone !== undefined) {
    return paths.find((path) => path.family === 6 && path.interface === zone);
  }
  return paths.find((path) => path.family === 4 && isInNetwork(plain, path));
}

function isInNetwork(address: string, { address: own, netmask }: NetworkPath): boolean {
  const mask = wordOf(netmask);
  const [a, b] = [wordOf(address), wordOf(own)];
  if (mask === undefined || a === undefined || b === undefined) return false;
  return (a & mask) === (b & mask);
}

/** The address that reaches everybody of an IPv4 network. */
export function broadcastAddressOf({ address, netmask }: NetworkPath): string | undefined {
  const [own, mask] = [wordOf(address), wordOf(netmask)];
  if (own === undefined || mask === undefined) return undefined;
  const all = (own | ~mask) >>> 0;
  return [24, 16, 8, 0].map((shift) => (all >>> shift) & 255).join(".");
}

/** An IPv4 address as 32 bits; undefined when it is none. */
function wordOf(address: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (parts === undefined || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((word, part) => ((word << 8) | part) >>> 0, 0);
}
