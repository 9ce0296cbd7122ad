/**
 * Handshakes: makes the two machines of this node's handshakes, with its identity, its secret, its
 * own key and fresh nonces.
 */
import {
  verifyNodeSignature,
  type Authentication,
  type Connection,
  type NodeKey,
} from "@foundation/core";
import { HANDSHAKE } from "../limits.js";
import { hexOf } from "../protocol/frame.js";
import { AcceptorHandshake } from "../protocol/handshake/acceptor.js";
import { DialerHandshake } from "../protocol/handshake/dialer.js";
import { PROTOCOL_VERSIONS, type HandshakeOptions } from "../protocol/handshake/handshake.js";
import type { VersionRange } from "../protocol/handshake/messages.js";
import type { World } from "./world.js";

export class Handshakes {
  readonly #world: World;
  readonly #cluster: string;
  readonly #authentication: Authentication;
  readonly versions: VersionRange;
  /** Set before the first handshake, or never: then nothing is signed. */
  nodeKey: NodeKey | undefined;

  constructor(
    world: World,
    cluster: string,
    authentication: Authentication,
    versions: VersionRange = PROTOCOL_VERSIONS,
  ) {
    this.#world = world;
    this.#cluster = cluster;
    this.#authentication = authentication;
    this.versions = versions;
  }

  dialer(connection: Connection, channel: string, lane: number): DialerHandshake {
    return new DialerHandshake({ ...this.#options(connection), channel, lane });
  }

  acceptor(connection: Connection): AcceptorHandshake {
    return new AcceptorHandshake(this.#options(connection));
  }

  #options(connection: Connection): HandshakeOptions {
    const { self, random, clock } = this.#world;
    return {
      self,
      cluster: this.#cluster,
      versions: this.versions,
      authentication: this.#authentication,
      nodeKey: this.nodeKey,
      verifySignature: verifyNodeSignature,
      nonce: hexOf(random.secret(HANDSHAKE.nonceBytes)),
      binding: connection.binding,
      wallMs: clock.wallNow(),
    };
  }
}
