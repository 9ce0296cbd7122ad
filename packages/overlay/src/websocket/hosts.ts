/**
 * Which hosts the transport may touch.
 *
 * Without TLS nothing leaves the machine: only loopback is listened on and dialled. With it, what a peer announces can
 * still not make this node dial into places that no node has business with: link-local addresses (a cloud's metadata
 * service), multicast, reserved and unspecified ones. Names are judged by what they resolve to, when they do.
 */
import { lookup, type LookupAddress, type LookupOptions } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { coreErrors } from "@foundation/core";
import { overlayErrors } from "../errors.js";

/** "ws" for connections without TLS. */
export type Scheme = "ws" | "wss";

const forbidden = new BlockList();
/** "This network", link-local (RFC 3927), multicast, reserved and broadcast (RFC 6890). */
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["169.254.0.0", 16],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  forbidden.addSubnet(network, bits, "ipv4");
}
/** Unspecified, link-local (RFC 4291), multicast, and where one cloud has its metadata service. */
for (const [network, bits] of [
  ["::", 128],
  ["fe80::", 10],
  ["ff00::", 8],
  ["fd00:ec2::254", 128],
] as const) {
  forbidden.addSubnet(network, bits, "ipv6");
}

/** True for 127.0.0.0/8, ::1 and the name localhost. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const address = plainAddress(host);
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

/** True for an address, not a name, that no node can have. */
export function isForbidden(host: string): boolean {
  const address = plainAddress(host);
  const family = isIP(address);
  return family !== 0 && forbidden.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** True for 0.0.0.0 and ::, which are every address of the machine. */
export function isUnspecified(host: string): boolean {
  const address = plainAddress(host);
  return address === "0.0.0.0" || address === "::";
}

/** IPv6 in its one short form, and IPv4 that came as IPv6 as IPv4; anything else as it is. */
export function plainAddress(host: string): string {
  if (isIP(host) !== 6 || host.includes("%")) return host;
  const short = new URL(`ws://[${host}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const words = mapped.slice(1).map((word) => Number.parseInt(word, 16));
  return words.flatMap((word) => [word >> 8, word & 255]).join(".");
}

/**
 * What the limits for one address count by: the address, of IPv6 its network of 64 bits, which one
 * machine may have for itself; undefined for loopback, where every node of this machine is.
 */
export function neighbourhoodOf(remoteAddress: string | undefined): string | undefined {
  if (remoteAddress === undefined) return "unknown";
  const address = plainAddress(remoteAddress);
  if (isLoopback(address)) return undefined;
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = (address.split("%")[0] as string).split("::");
  const words = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - words.length - after.length;
  const all = [...words, ...Array<string>(zeros).fill("0"), ...after];
  return `${all.slice(0, 4).join(":")}::/64`;
}

/** @throws {ERR_INSECURE_LISTEN} beyond loopback without TLS. */
export function checkListenHost(host: string, scheme: Scheme): void {
  if (scheme === "wss" || isLoopback(host)) return;
  throw overlayErrors.ERR_INSECURE_LISTEN(
    `The overlay does not listen on "${host}" without encryption. Leave the option tls out: beyond loopback it is ` +
      '"psk", made from the cluster\'s secret; or give certificates; or listen on 127.0.0.1, ::1 or localhost.',
    { host },
  );
}

/** What is dialled for an announced address. */
export interface DialTarget {
  readonly scheme: Scheme;
  readonly url: string;
  /** Refuses a name that resolves to where this node may not dial. */
  readonly lookup: LookupFunction;
}

/**
 * @param hasTls whether this node can speak TLS
 * @throws {ERR_DIAL_FAILED} when it is no `ws://host:port` or `wss://host:port` this node may dial.
 */
export function dialTargetOf(address: string, path: string, hasTls: boolean): DialTarget {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const scheme = url?.protocol === "ws:" ? "ws" : url?.protocol === "wss:" ? "wss" : undefined;
  const isPlain =
    scheme !== undefined && url?.port !== "" && url?.pathname === "/" && url.username === "";
  if (!isPlain || url?.search !== "" || url.hash !== "" || url.password !== "") {
    throw dialFailed(address, "it is not of the form wss://host:port or ws://host:port");
  }
  if (scheme === "wss" && !hasTls) {
    throw dialFailed(address, 'it wants TLS, and this node was started with tls: "off"');
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const reason = problemOf(host, scheme);
  if (reason !== undefined) throw dialFailed(address, reason);
  return { scheme, url: `${scheme}://${url.host}${path}`, lookup: guardedLookup(scheme) };
}

function problemOf(host: string, scheme: Scheme): string | undefined {
  if (isForbidden(host)) {
    return `no node can be at ${host}: link-local, multicast, reserved and unspecified addresses are not dialled`;
  }
  if (scheme === "wss" || isLoopback(host)) return undefined;
  return "it is beyond loopback and without encryption: only wss:// is dialled there";
}

/** A name may resolve to anything, and to something else each time: judged is what is connected to. */
function guardedLookup(scheme: Scheme): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options as LookupOptions, (error, found, family) => {
      const addresses = typeof found === "string" ? [{ address: found }] : (found ?? []);
      for (const { address } of error === null ? (addresses as LookupAddress[]) : []) {
        const problem = problemOf(address, scheme);
        if (problem !== undefined) {
          return callback(
            new Error(`${hostname} resolves to ${address}; ${problem}`),
            found,
            family,
          );
        }
      }
      callback(error, found, family);
    });
  };
}

export function dialFailed(address: string, reason: string, cause?: unknown): Error {
  return coreErrors.ERR_DIAL_FAILED(
    `Could not connect to ${address}: ${reason}`,
    { address, reason },
    cause,
  );
}

/** `ws://host:port`, with brackets where IPv6 wants them. */
export function addressOf(scheme: Scheme, host: string, port: number): string {
  return `${scheme}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
