/**
 * Which hosts the transport may touch. In this version links are authenticated but not encrypted,
 * so nothing listens and nothing is dialled beyond loopback; what a stranger announces can
 * therefore never make a node dial elsewhere.
 */
import { isIP } from "node:net";
import { coreErrors } from "@foundation/core";
import { overlayErrors } from "../errors.js";

/** True for 127.0.0.0/8, ::1 and the name localhost. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1" || host === "::ffff:127.0.0.1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** @throws {ERR_INSECURE_LISTEN} beyond loopback. */
export function checkListenHost(host: string): void {
  if (isLoopback(host)) return;
  throw overlayErrors.ERR_INSECURE_LISTEN(
    `The overlay does not listen on "${host}": without encryption it accepts only 127.0.0.1, ::1 or localhost. ` +
      "Encrypted links (TLS) between machines arrive in a later version.",
    { host },
  );
}

/**
 * What is dialled for an announced address. @throws {ERR_DIAL_FAILED} when it is no loopback
 * `ws://host:port`.
 */
export function urlOf(address: string, path: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const plain =
    url?.protocol === "ws:" && url.port !== "" && url.pathname === "/" && url.username === "";
  if (!plain || url?.search !== "" || url.hash !== "") {
    throw dialFailed(address, "it is not of the form ws://host:port");
  }
  if (!isLoopback(host)) {
    throw dialFailed(
      address,
      "it is beyond loopback, and encrypted links (TLS) arrive in a later version",
    );
  }
  return `ws://${url.host}${path}`;
}

export function dialFailed(address: string, reason: string, cause?: unknown): Error {
  return coreErrors.ERR_DIAL_FAILED(
    `Could not connect to ${address}: ${reason}`,
    { address, reason },
    cause,
  );
}

/** `ws://host:port`, with brackets where IPv6 wants them. */
export function addressOf(host: string, port: number): string {
  return `ws://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
