/**
 * Peer addresses as people write them, and as the overlay dials them: `ws://host:port`.
 *
 * Invariant: one address has one form (lower-case host, no path), so that sets can be compared.
 */
import { discoveryErrors } from "../errors.js";

const FORM = /^(?:(wss?):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9._-]+):([0-9]{1,5})\/?$/i;
const ADDRESS_CHARS_MAX = 300;

/**
 * The address to dial for `host:port`, `[v6]:port`, `ws://host:port` or `wss://host:port`.
 *
 * @throws {ERR_PEER_ADDRESS} for anything else
 *
 * @example
 * ```ts
 * import { parsePeerAddress } from "@foundation/discovery"
 *
 * console.log(parsePeerAddress("10.0.0.7:4100")) // ws://10.0.0.7:4100
 * ```
 */
export function parsePeerAddress(text: string): string {
  const trimmed = String(text).trim();
  if (trimmed.length > ADDRESS_CHARS_MAX) throw refused(trimmed, "it is too long");
  const match = FORM.exec(trimmed);
  if (match === null) throw refused(trimmed, reasonFor(trimmed));
  const [, scheme = "ws", host = "", port = ""] = match;
  if (Number(port) < 1 || Number(port) > 65_535) throw refused(trimmed, `${port} is no port`);
  return `${scheme.toLowerCase()}://${canonicalHost(host, trimmed)}:${Number(port)}`;
}

/**
 * The address to dial for a host that a backend names without saying how: encrypted as this node is, and on this node's
 * own port where the backend names none.
 *
 * @param own this node's address, `context.self.address`
 * @throws {ERR_PEER_ADDRESS} when the host or the port is none
 */
export function peerAddressLike(own: string, host: string, port?: number): string {
  const [, scheme = "ws", , ownPort = ""] = FORM.exec(own) ?? [];
  const inBrackets = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return parsePeerAddress(`${scheme}://${inBrackets}:${port ?? ownPort}`);
}

/** One spelling for each host: the URL standard's own. */
function canonicalHost(host: string, whole: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    throw refused(whole, `"${host}" is neither a host name nor an IP address`);
  }
}

function reasonFor(text: string): string {
  if (text === "") return "it is empty";
  if (/^(?!wss?:)[a-z][a-z0-9+.-]*:\/\//i.test(text)) return "only ws:// and wss:// are dialled";
  if (text.includes("@")) return "it must not carry a user or a password";
  if (/^[^[]*:.*:/.test(text.replace(/^\w+:\/\//, ""))) return "an IPv6 address needs brackets";
  if (!/:[0-9]+\/?$/.test(text)) return "it has no port";
  return "it is not host:port";
}

function refused(address: string, reason: string): Error {
  const shown = address.replace(/\/\/[^/@]*@/, "//…@").slice(0, 80);
  return discoveryErrors.ERR_PEER_ADDRESS(
    `"${shown}" is not the address of a peer: ${reason}. ` +
      "Write host:port or ws://host:port, with IPv6 addresses in brackets.",
    { address: shown, reason },
  );
}
