/** OverlayOptions: what createOverlay is given, checked before anything is started, and its defaults. */
import {
  coreErrors,
  createBoot,
  createNodeId,
  isBoot,
  isNodeId,
  type Boot,
  type NodeId,
  type NodeKey,
  type Runtime,
  type SecretSource,
  type Transport,
} from "@foundation/core";
import type { ChannelOptions } from "./channel-options.js";
import { FLOW, FRAME, HANDSHAKE } from "./limits.js";
import { membershipLimits } from "./protocol/membership/limits.js";
import { areLabels, areRoles, descriptionCharsOf } from "./protocol/membership/messages.js";
import { clientLinkModes, type ClientLinkMode } from "./protocol/switching/capabilities.js";
import { topologyNames, type TopologyMode } from "./protocol/switching/topologies.js";
import { presets, type PresetName } from "./presets.js";
import type { SelfIdentity } from "./runtime/world.js";
import type { NodeCertificates } from "./websocket/transport-tls.js";

export interface OverlayOptions {
  /** Only nodes of the same name are linked. 1 to 128 characters. */
  readonly cluster: string;
  /**
   * What members prove to know; of several any is accepted, the first is proved. A `KeyRing` can be
   * changed while the node runs. Not needed where `tls` holds certificates.
   */
  readonly secret?: SecretSource;
  /**
   * Who this node is. @default a new random id, a boot of the wall clock and a name made of the id
   */
  readonly identity?: {
    readonly id: NodeId;
    readonly boot: Boot;
    readonly name: string;
    /**
     * Shows other nodes that it is the same node as before: whoever uses the id with another key is
     * refused. @default beyond loopback the one in `runtime.storage`, or a new one; on loopback none
     */
    readonly key?: NodeKey;
  };
  /** Where to listen; beyond loopback connections are encrypted. @default "127.0.0.1" */
  readonly host?: string;
  /**
   * TLS 1.3: by the secret, by certificates of both sides, or none, which is for loopback only.
   * @default "off" on loopback, "psk" beyond
   */
  readonly tls?: "psk" | "off" | NodeCertificates;
  /**
   * What peers dial, where that is another than the host listened on: `host` or `host:port`.
   * @default the host; where that is 0.0.0.0 or ::, the first address of this machine
   */
  readonly advertise?: string;
  /** 0 takes a free port. @default 0 */
  readonly port?: number;
  /** Addresses to dial from the start, see `Overlay.dial`. @default none */
  readonly peers?: readonly string[];
  /** Shown to every member: at most 32 texts of up to 256 characters. @default none */
  readonly roles?: readonly string[];
  /** The same: at most 64; roles and labels together have at most 4096 characters. @default none */
  readonly labels?: Readonly<Record<string, string>>;
  readonly channels?: readonly (string | ChannelOptions)[];
  /** Of channels that do not say it themselves. @default false */
  readonly compression?: boolean;
  /**
   * Times and windows for the kind of network between the nodes: one machine, one data centre or a
   * wide area network. All nodes of a cluster take the same one. @default "local" where it listens
   * on loopback, else "lan"
   */
  readonly preset?: PresetName;
  /**
   * How members are linked: `full-mesh`, every one to every other one, up to about a hundred;
   * `hyparview`, each to six, up to a thousand; `client-server`, each to two servers, beyond. `auto` begins with a full
   * mesh and changes with the cluster's size. The first node decides; who joins follows the cluster, and
   * `switchTopology` changes it while it runs. @default "auto"
   */
  readonly topology?: TopologyMode;
  /**
   * Reaches a member whose address does not answer over other members, which pass the bytes on: encrypted by no more than the
   * links they travel. Both ends and those between need it. Not with certificates, whose proof is the connection itself.
   * @default false
   */
  readonly relay?: boolean;
  /**
   * Under `client-server`, what becomes of a message between two clients. `on-demand`: it opens a link between them, which is
   * closed when nothing uses it. `refused`: a client that is dialled by a client refuses it (ERR_CLIENT_REFUSED), and
   * what they say to each other passes over their servers as with `relay`, which this includes. All nodes of a cluster take the same one.
   * Not with certificates alone. @default "on-demand"
   */
  readonly clientLinks?: ClientLinkMode;
  /** What replaces Node's clock, randomness, logger, meter, transport and authentication. */
  readonly runtime?: Partial<Runtime>;
}

/** The identity given, or a new one. */
export function identityOf(options: OverlayOptions, { random, clock }: Runtime): SelfIdentity {
  if (options.identity !== undefined) {
    const { id, boot, name } = options.identity;
    return { id, boot, name, address: "" };
  }
  const id = createNodeId(random);
  const boot = createBoot(Math.max(0, Math.floor(clock.wallNow())), random);
  return { id, boot, name: `node-${id.slice(0, 8)}`, address: "" };
}

/** What fits the transport's frames. @throws {ERR_INVALID_ARGUMENT} when that is too little */
export function frameSizesOf({ frameBytesMax }: Transport): {
  readonly batchBytes: number;
  readonly chunkBytes: number;
} {
  const expected = `a transport with frames of ${FRAME.bytesMin} bytes or more`;
  check(frameBytesMax >= FRAME.bytesMin, "runtime.transport", expected, frameBytesMax);
  const usableBytes = Math.min(FRAME.bytesMax, frameBytesMax) - FRAME.headBytesMax;
  return {
    batchBytes: Math.min(FRAME.batchBytes, usableBytes >> 1),
    chunkBytes: Math.min(FLOW.chunkBytes, usableBytes >> 1),
  };
}

/**
 * What other nodes would refuse is refused here, where somebody reads the reason.
 *
 * @throws {ERR_INVALID_ARGUMENT}
 */
export function checkOptions(options: OverlayOptions): void {
  const { cluster, identity, preset, topology, port = 0, roles = [], labels = {} } = options;
  checkText("cluster", cluster, HANDSHAKE.clusterCharsMax);
  if (identity !== undefined) {
    check(isNodeId(identity.id), "identity.id", "an id made by createNodeId", identity.id);
    check(isBoot(identity.boot), "identity.boot", "a boot made by createBoot", identity.boot);
    checkText("identity.name", identity.name, HANDSHAKE.nameCharsMax);
  }
  const isPort = Number.isInteger(port) && port >= 0 && port <= 65_535;
  check(isPort, "port", "an integer from 0 to 65535", port);
  const { compression = false } = options;
  check(typeof compression === "boolean", "compression", "true or false", compression);
  const { relay = false } = options;
  check(typeof relay === "boolean", "relay", "true or false", relay);
  checkClientLinks(options);
  const isPreset = preset === undefined || Object.hasOwn(presets, preset);
  check(isPreset, "preset", Object.keys(presets).join(", "), preset);
  if (topology !== undefined) checkTopology(topology);
  const { rolesMax, labelsMax, textLengthMax, descriptionCharsMax } = membershipLimits;
  const each = `texts of up to ${textLengthMax} characters`;
  check(areRoles(roles), "roles", `at most ${rolesMax} ${each}`, JSON.stringify(roles));
  check(areLabels(labels), "labels", `at most ${labelsMax} ${each}`, JSON.stringify(labels));
  const chars = descriptionCharsOf(roles, labels);
  const expected = `of ${descriptionCharsMax} characters at most`;
  check(chars <= descriptionCharsMax, "roles and labels together", expected, `${chars}`);
}

function checkClientLinks({ clientLinks, relay, tls, secret }: OverlayOptions): void {
  const isMode = clientLinks === undefined || clientLinkModes.includes(clientLinks);
  check(isMode, "clientLinks", clientLinkModes.join(" or "), clientLinks);
  if (clientLinks !== "refused") return;
  const without = (what: string) => `"on-demand" ${what}`;
  check(relay !== false, "clientLinks", without("where relay is false"), clientLinks);
  const isProvable = typeof tls !== "object" || secret !== undefined;
  check(isProvable, "clientLinks", without("where certificates are the only proof"), clientLinks);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkTopology(topology: TopologyMode): void {
  const modes: readonly string[] = ["auto", ...topologyNames];
  check(modes.includes(topology), "topology", modes.join(" or "), topology);
}

function checkText(argument: string, value: unknown, charsMax: number): void {
  const isValid = typeof value === "string" && value.length > 0 && value.length <= charsMax;
  check(isValid, argument, `a text of 1 to ${charsMax} characters`, value);
}

function check(isValid: boolean, argument: string, expected: string, found: unknown): void {
  if (!isValid) throw invalid(argument, expected, String(found));
}

function invalid(argument: string, expected: string, text: string): Error {
  const found = text.slice(0, 80);
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
