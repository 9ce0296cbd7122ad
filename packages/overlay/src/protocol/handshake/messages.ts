/**
 * The five messages of the handshake, as JSON of at most 4 KiB: readable on the wire, small enough
 * to bound what an unknown peer can make us do, and checked field by field. Unknown fields are
 * ignored, so a newer version may add some.
 */
import { isBoot, isNodeId, type Boot, type NodeId } from "@foundation/core";
import { refusalCodes, type RefusalCode } from "../../errors.js";
import { HANDSHAKE, LINK } from "../../limits.js";

/** Lowest and highest protocol version a node speaks. */
export type VersionRange = readonly [min: number, max: number];

/** What a node says of itself in both directions. */
export interface Identity {
  readonly id: NodeId;
  readonly boot: Boot;
  /** For people. */
  readonly name: string;
  /** What others dial. */
  readonly address: string;
}

export interface Hello extends Identity {
  readonly type: "hello";
  readonly versions: VersionRange;
  readonly cluster: string;
  readonly channel: string;
  readonly lane: number;
  readonly method: string;
  /** Wall clock of the sender, ms since 1970. */
  readonly wallMs: number;
  /** 32 bytes, hexadecimal. */
  readonly nonce: string;
  /** Public names of the keys that are accepted, the preferred one first. */
  readonly keyNames?: readonly string[];
  /** The sender's own Ed25519 key, 32 bytes, hexadecimal. */
  readonly nodeKey?: string;
}

export interface Challenge extends Identity {
  readonly type: "challenge";
  /** The version the acceptor chose. */
  readonly version: number;
  readonly wallMs: number;
  readonly nonce: string;
  /** Which of the hello's keys both sides prove with. */
  readonly keyName?: string;
  readonly nodeKey?: string;
}

export interface Auth {
  readonly type: "auth";
  /** Hexadecimal. */
  readonly proof: string;
  /** By the node key of the hello, where it names one: 64 bytes, hexadecimal. */
  readonly signature?: string;
}

export interface Welcome {
  readonly type: "welcome";
  readonly proof: string;
  /** By the node key of the challenge. */
  readonly signature?: string;
}

export interface Reject {
  readonly type: "reject";
  /** A RefusalCode, or one of a newer version. */
  readonly code: string;
  /** What the rejecting side speaks. */
  readonly versions: VersionRange;
  /** Where the live process is that has the node id, with ERR_NODE_ID_CLASH. */
  readonly holder?: string;
}

export type HandshakeMessage = Hello | Challenge | Auth | Welcome | Reject;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeHandshake(message: HandshakeMessage): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/** The message, or why the bytes are none. Never throws. */
export function parseHandshake(bytes: Uint8Array): HandshakeMessage | { readonly problem: string } {
  if (bytes.length > HANDSHAKE.frameBytesMax) {
    return {
      problem: `a frame of ${bytes.length} bytes where ${HANDSHAKE.frameBytesMax} are allowed`,
    };
  }
  let data: unknown;
  try {
    data = JSON.parse(decoder.decode(bytes));
  } catch {
    return { problem: "bytes that are not JSON" };
  }
  if (typeof data !== "object" || data === null || Array.isArray(data)) {
    return { problem: "JSON that is not an object" };
  }
  const fields = data as Record<string, unknown>;
  const check = typeof fields["type"] === "string" ? checks.get(fields["type"]) : undefined;
  if (check === undefined) return { problem: "a message of an unknown type" };
  for (const [name, holds] of Object.entries(check)) {
    if (!Object.hasOwn(fields, name) || !holds(fields[name])) {
      return { problem: `a ${String(fields["type"])} with a missing or bad field "${name}"` };
    }
  }
  for (const [name, holds] of Object.entries(optionalChecks)) {
    if (Object.hasOwn(fields, name) && !holds(fields[name])) {
      return { problem: `a ${String(fields["type"])} with a bad field "${name}"` };
    }
  }
  return fields as unknown as HandshakeMessage;
}

type Check = (value: unknown) => boolean;
type Optional<Message> = {
  [Field in keyof Message]-?: Partial<Pick<Message, Field>> extends Pick<Message, Field>
    ? Field
    : never;
}[keyof Message];
type Checks<Message> = {
  readonly [Field in keyof Omit<Message, "type" | Optional<Message>>]: Check;
};

const text =
  (charsMax: number): Check =>
  (value) =>
    typeof value === "string" && value.length <= charsMax && value.length > 0;
const hex =
  (bytesMin: number, bytesMax: number): Check =>
  (value) =>
    typeof value === "string" &&
    value.length >= 2 * bytesMin &&
    value.length <= 2 * bytesMax &&
    value.length % 2 === 0 &&
    /^[0-9a-f]+$/.test(value);
const version: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536;
const versions: Check = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(version) && value[0] <= value[1];
const wall: Check = (value) => typeof value === "number" && Number.isFinite(value);
const nonce = hex(HANDSHAKE.nonceBytes, HANDSHAKE.nonceBytes);
const proof = hex(1, HANDSHAKE.proofBytesMax);
const keyName: Check = (value) => typeof value === "string" && /^[0-9a-f]{1,32}$/.test(value);
const identity: Checks<Identity> = {
  id: isNodeId,
  boot: isBoot,
  name: text(HANDSHAKE.nameCharsMax),
  address: text(HANDSHAKE.addressCharsMax),
};
const lane: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < LINK.lanesMax;

const hello: Checks<Hello> = {
  ...identity,
  versions,
  cluster: text(HANDSHAKE.clusterCharsMax),
  channel: isChannelName,
  lane,
  method: text(64),
  wallMs: wall,
  nonce,
};
const challenge: Checks<Challenge> = { ...identity, version, wallMs: wall, nonce };
const auth: Checks<Auth> = { proof };
const welcome: Checks<Welcome> = { proof };
const reject: Checks<Reject> = {
  code: (value) => typeof value === "string" && /^ERR_[A-Z_]{1,60}$/.test(value),
  versions,
};
const checks: ReadonlyMap<string, Readonly<Record<string, Check>>> = new Map<
  string,
  Readonly<Record<string, Check>>
>([
  ["hello", hello],
  ["challenge", challenge],
  ["auth", auth],
  ["welcome", welcome],
  ["reject", reject],
]);

/** Fields that a message may lack, whatever its type; what has another form is refused. */
const optionalChecks: Readonly<
  Record<Optional<Hello> | Optional<Challenge> | Optional<Auth> | Optional<Reject>, Check>
> = {
  keyNames: (value) =>
    Array.isArray(value) && value.length <= HANDSHAKE.keyNamesMax && value.every(keyName),
  keyName,
  nodeKey: hex(HANDSHAKE.nodeKeyBytes, HANDSHAKE.nodeKeyBytes),
  signature: hex(HANDSHAKE.signatureBytes, HANDSHAKE.signatureBytes),
  holder: isPrintable,
};

/** A text that may stand in a log line as it is: up to 255 characters of ASCII, no spaces. */
export function isPrintable(value: unknown): value is string {
  return typeof value === "string" && /^[!-~]{1,255}$/.test(value);
}

/** True for `a-z 0-9 . _ -`, 1 to 64 characters, beginning with a letter or digit. */
export function isChannelName(value: unknown): value is string {
  return typeof value === "string" && /^[a-z0-9][a-z0-9._-]{0,63}$/.test(value);
}

export function isRefusalCode(code: string): code is RefusalCode {
  return (refusalCodes as readonly string[]).includes(code);
}
