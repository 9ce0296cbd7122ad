/** The dialer's half of the handshake; see handshake.ts for the messages and the invariants. */
import { assert } from "../assert.js";
import { hexOf } from "../frame.js";
import {
  clockProblem,
  proofProblem,
  provedBy,
  refuse,
  refusedByPeer,
  verdictReason,
  type HandshakeEffect,
  type HandshakeInput,
  type HandshakeOptions,
  type PeerIdentity,
} from "./handshake.js";
import {
  encodeHandshake,
  parseHandshake,
  type Challenge,
  type Hello,
  type Welcome,
} from "./messages.js";
import { transcriptOf } from "./transcript.js";
import type { RefusalCode } from "../../errors.js";

export interface DialerOptions extends HandshakeOptions {
  readonly channel: string;
  readonly lane: number;
}

type State = "hello-sent" | "judging" | "auth-sent" | "done";

export class DialerHandshake {
  readonly #options: DialerOptions;
  readonly #hello: Uint8Array;
  #state: State = "hello-sent";
  #challenge: Uint8Array = new Uint8Array(0);
  #keyName: string | undefined;
  #peer: PeerIdentity | undefined;

  constructor(options: DialerOptions) {
    this.#options = options;
    const { self, versions, cluster, channel, lane, authentication, wallMs, nonce } = options;
    const { nodeKey } = options;
    const { id, boot, name, address } = self;
    const { method, keyNames } = authentication;
    const hello: Hello = {
      type: "hello",
      versions,
      cluster,
      id,
      boot,
      name,
      address,
      channel,
      lane,
      method,
      wallMs,
      nonce,
      ...(keyNames === undefined ? {} : { keyNames }),
      ...(nodeKey === undefined ? {} : { nodeKey: hexOf(nodeKey.publicKey) }),
    };
    this.#hello = encodeHandshake(hello);
  }

  /** The first effects. */
  start(): readonly HandshakeEffect[] {
    return [{ type: "send", bytes: this.#hello }];
  }

  handle(input: HandshakeInput): readonly HandshakeEffect[] {
    if (this.#state === "done") return [];
    switch (input.type) {
      case "timeout":
        return this.#end("ERR_HANDSHAKE_TIMEOUT", "it did not answer in time");
      case "verdict":
        return this.#onVerdict(input.refuse, input.holder);
      case "frame":
        return this.#onFrame(input.bytes, input.wallMs);
      default:
        return input satisfies never;
    }
  }

  #onFrame(bytes: Uint8Array, wallMs: number): readonly HandshakeEffect[] {
    const message = parseHandshake(bytes);
    if ("problem" in message) return this.#malformed(message.problem);
    if (message.type === "reject") {
      this.#state = "done";
      const refusal = refusedByPeer(message, this.#options, this.#peer);
      return [{ type: "refused", refusal }];
    }
    if (this.#state === "hello-sent" && message.type === "challenge") {
      return this.#onChallenge(message, bytes, wallMs);
    }
    if (this.#state === "auth-sent" && message.type === "welcome") {
      return this.#onWelcome(message);
    }
    return this.#malformed(`a ${message.type} in state ${this.#state}`);
  }

  /**
   * The challenge is not proved yet: what is refused here protects only ourselves from a useless
   * proof.
   */
  #onChallenge(
    challenge: Challenge,
    bytes: Uint8Array,
    wallMs: number,
  ): readonly HandshakeEffect[] {
    const { versions, channel, lane } = this.#options;
    const { id, boot, name, address, version } = challenge;
    const key = challenge.nodeKey === undefined ? {} : { nodeKey: challenge.nodeKey };
    this.#peer = { id, boot, name, address, version, channel, lane, ...key };
    if (version < versions[0] || version > versions[1]) {
      const reason = `it chose version ${version}, this node speaks ${versions[0]} to ${versions[1]}`;
      return this.#end("ERR_PROTOCOL_VERSION", reason);
    }
    const skew = clockProblem(challenge.wallMs, wallMs);
    if (skew !== undefined) return this.#end("ERR_CLOCK_SKEW", skew);
    this.#challenge = bytes.slice();
    this.#keyName = challenge.keyName;
    this.#state = "judging";
    return [{ type: "judge", peer: this.#peer }];
  }

  #onVerdict(
    refused: RefusalCode | undefined,
    holder: string | undefined,
  ): readonly HandshakeEffect[] {
    if (this.#state !== "judging") return [];
    assert(this.#peer !== undefined, "a verdict follows a challenge");
    const { binding } = this.#options;
    if (refused !== undefined) {
      // The other side has not proved the secret; only TLS says that it may know who is a member.
      const told = binding === undefined ? undefined : holder;
      return this.#end(refused, verdictReason(refused, this.#peer, holder), told);
    }
    this.#state = "auth-sent";
    const transcript = transcriptOf("dialer", this.#hello, this.#challenge, binding);
    const proved = provedBy(this.#options, transcript, this.#keyName);
    return [{ type: "send", bytes: encodeHandshake({ type: "auth", ...proved }) }];
  }

  #onWelcome(welcome: Welcome): readonly HandshakeEffect[] {
    assert(this.#peer !== undefined, "a welcome follows a challenge");
    const { binding } = this.#options;
    const transcript = transcriptOf("acceptor", this.#hello, this.#challenge, binding);
    const problem = proofProblem(this.#options, transcript, this.#peer.nodeKey, welcome);
    if (problem !== undefined) return this.#end(problem.code, problem.reason);
    this.#state = "done";
    return [{ type: "established", peer: this.#peer }];
  }

  #malformed(problem: string): readonly HandshakeEffect[] {
    return this.#end("ERR_HANDSHAKE_MALFORMED", `it sent ${problem}`);
  }

  /**
   * Once the proof was sent the other side may have a link already, where a REJECT would be a
   * malformed frame: the end of the connection says enough.
   */
  #end(code: RefusalCode, reason: string, holder?: string): readonly HandshakeEffect[] {
    const told = this.#state !== "auth-sent";
    this.#state = "done";
    const effects = refuse(code, reason, this.#options.versions, this.#peer, holder);
    return told ? effects : effects.filter(({ type }) => type !== "send");
  }
}
