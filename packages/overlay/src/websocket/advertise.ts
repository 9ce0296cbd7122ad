/**
 * What a listener announces: the address that others dial is not always the one it is bound to. A node that listens on
 * every address (0.0.0.0, ::) has to name one; behind a NAT or a service only its operator knows which.
 */
import { isIP } from "node:net";
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import { coreErrors } from "@foundation/core";
import { isForbidden, isUnspecified } from "./hosts.js";

/** What is announced, and how it was found. */
export interface Advertised {
  readonly host: string;
  readonly port: number;
  /**
   * `bound`: what it listens on. `interface`: the first address of this machine that is reachable
   * from outside. `loopback`: there is none, so only nodes of this machine will find it.
   */
  readonly by: "option" | "bound" | "interface" | "loopback";
}

/** @throws {ERR_ADDRESS_INVALID} when the option is no `host` or `host:port` others could dial. */
export function advertisedOf(
  option: string | undefined,
  bound: { readonly host: string; readonly port: number },
  interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces,
): Advertised {
  if (option !== undefined) {
    const { host, port = bound.port } = parseAdvertise(option);
    return { host, port, by: "option" };
  }
  if (!isUnspecified(bound.host)) return { ...bound, by: "bound" };
  const all = Object.values(interfaces()).flatMap((each) => each ?? []);
  const outside = all.filter(({ internal, address }) => !internal && !isForbidden(address));
  const wanted = bound.host === "::" ? outside : outside.filter(({ family }) => family === "IPv4");
  const first = wanted.find(({ family }) => family === "IPv4") ?? wanted[0];
  if (first !== undefined) return { host: first.address, port: bound.port, by: "interface" };
  return { host: "127.0.0.1", port: bound.port, by: "loopback" };
}

/** `host`, `host:port`, an IPv6 address with or without brackets. @throws {ERR_ADDRESS_INVALID} */
export function parseAdvertise(option: string): { readonly host: string; readonly port?: number } {
  const [, bracketed, name, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(option) ?? [];
  const host = isIP(option) === 6 ? option : (bracketed ?? name ?? "");
  const port = digits === undefined ? undefined : Number(digits);
  const isHost =
    bracketed === undefined ? isIP(host) !== 0 || isHostName(host) : isIP(bracketed) === 6;
  const isPort = port === undefined || (port >= 1 && port <= 65_535);
  if (!isHost || !isPort || isForbidden(host) || host.length > 200) {
    const reason =
      "advertise must be a host name or an address that other nodes can dial, and after a colon a port if it is another " +
      "than the one listened on";
    throw coreErrors.ERR_ADDRESS_INVALID(`Cannot announce "${option.slice(0, 80)}": ${reason}`, {
      address: option.slice(0, 80),
      reason,
    });
  }
  return port === undefined ? { host } : { host, port };
}

function isHostName(text: string): boolean {
  return /^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$/i.test(text) && !/^[\d.]+$/.test(text);
}
