/** The acceptor's half of the handshake; see handshake.ts for the messages and the invariants. */
import { assert } from "../assert.js";
import {
  clockProblem,
  commonKeyName,
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
  type Auth,
  type Challenge,
  type Hello,
} from "./messages.js";
import { hexOf } from "../frame.js";
import { transcriptOf } from "./transcript.js";
import type { RefusalCode } from "../../errors.js";

type State = "listening" | "challenged" | "judging" | "done";

export class AcceptorHandshake {
  readonly #options: HandshakeOptions;
  #state: State = "listening";
  #hello: Uint8Array = new Uint8Array(0);
  #challenge: Uint8Array = new Uint8Array(0);
  #aheadMs = 0;
  #keyName: string | undefined;
  #peer: PeerIdentity | undefined;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  handle(input: HandshakeInput): readonly HandshakeEffect[] {
    if (this.#state === "done") return [];
    switch (input.type) {
      case "timeout":
        return this.#end("ERR_HANDSHAKE_TIMEOUT", "it did not finish the handshake in time");
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
    if (this.#state === "listening" && message.type === "hello")
      return this.#onHello(message, bytes, wallMs);
    if (this.#state === "challenged" && message.type === "auth") {
      return this.#onAuth(message);
    }
    return this.#malformed(`a ${message.type} in state ${this.#state}`);
  }

  #onHello(hello: Hello, bytes: Uint8Array, wallMs: number): readonly HandshakeEffect[] {
    const { versions, cluster, authentication, self, nonce, nodeKey } = this.#options;
    const { id, boot, name, address, channel, lane } = hello;
    const version = Math.min(hello.versions[1], versions[1]);
    const key = hello.nodeKey === undefined ? {} : { nodeKey: hello.nodeKey };
    this.#peer = { id, boot, name, address, version, channel, lane, ...key };
    if (version < hello.versions[0] || version < versions[0]) {
      const theirs = `versions ${hello.versions[0]} to ${hello.versions[1]}`;
      return this.#end(
        "ERR_PROTOCOL_VERSION",
        `it speaks ${theirs}, this node ${versions[0]} to ${versions[1]}`,
      );
    }
    if (hello.cluster !== cluster)
      return this.#end("ERR_WRONG_CLUSTER", "it names another cluster");
    if (hello.method !== authentication.method) {
      return this.#end("ERR_AUTHENTICATION_METHOD", `it does not use ${authentication.method}`);
    }
    const keyName = commonKeyName(hello.keyNames, authentication.keyNames);
    const challenge: Challenge = {
      type: "challenge",
      version,
      id: self.id,
      boot: self.boot,
      name: self.name,
      address: self.address,
      wallMs,
      nonce,
      ...(keyName === undefined ? {} : { keyName }),
      ...(nodeKey === undefined ? {} : { nodeKey: hexOf(nodeKey.publicKey) }),
    };
    this.#keyName = keyName;
    this.#hello = bytes.slice();
    this.#challenge = encodeHandshake(challenge);
    this.#aheadMs = hello.wallMs - wallMs;
    this.#state = "challenged";
    return [{ type: "send", bytes: this.#challenge }];
  }

  #onAuth(auth: Auth): readonly HandshakeEffect[] {
    assert(this.#peer !== undefined, "an auth follows a hello");
    const { binding } = this.#options;
    const transcript = transcriptOf("dialer", this.#hello, this.#challenge, binding);
    const problem = proofProblem(this.#options, transcript, this.#peer.nodeKey, auth);
    if (problem !== undefined) return this.#end(problem.code, problem.reason);
    const skew = clockProblem(this.#aheadMs, 0);
    if (skew !== undefined) return this.#end("ERR_CLOCK_SKEW", skew);
    this.#state = "judging";
    return [{ type: "judge", peer: this.#peer }];
  }

  #onVerdict(
    refused: RefusalCode | undefined,
    holder: string | undefined,
  ): readonly HandshakeEffect[] {
    if (this.#state !== "judging") return [];
    assert(this.#peer !== undefined, "a verdict follows an auth");
    if (refused !== undefined) {
      return this.#end(refused, verdictReason(refused, this.#peer, holder), holder);
    }
    this.#state = "done";
    const { binding } = this.#options;
    const transcript = transcriptOf("acceptor", this.#hello, this.#challenge, binding);
    const proved = provedBy(this.#options, transcript, this.#keyName);
    return [
      { type: "send", bytes: encodeHandshake({ type: "welcome", ...proved }) },
      { type: "established", peer: this.#peer },
    ];
  }

  #malformed(problem: string): readonly HandshakeEffect[] {
    return this.#end("ERR_HANDSHAKE_MALFORMED", `it sent ${problem}`);
  }

  #end(code: RefusalCode, reason: string, holder?: string): readonly HandshakeEffect[] {
    this.#state = "done";
    return refuse(code, reason, this.#options.versions, this.#peer, holder);
  }
}
