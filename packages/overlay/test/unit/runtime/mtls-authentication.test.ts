import { expect, test } from "@jest/globals";
import { bindingIn, transcriptOf } from "../../../src/protocol/handshake/transcript.js";
import { mtlsAuthentication } from "../../../src/runtime/mtls-authentication.js";
import { acceptorOf, dialerOf, endOf, runBoth } from "../../support/handshakes.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const transcript = (binding: Uint8Array | undefined) =>
  transcriptOf("dialer", bytes("hello"), bytes("challenge"), binding);
const authentication = mtlsAuthentication();
const binding = new Uint8Array(32).fill(7);

test("a proof by certificates is good for the one connection whose ends made it", () => {
  const proof = authentication.prove(transcript(binding));
  expect(authentication.verify(transcript(binding), proof)).toBe(true);
  expect(authentication.verify(transcript(new Uint8Array(32).fill(8)), proof)).toBe(false);
  for (let i = 0; i < proof.length; i += 1) {
    const changed = proof.slice();
    changed[i] = (changed[i] as number) ^ 1;
    expect(authentication.verify(transcript(binding), changed)).toBe(false);
  }
  expect(authentication.verify(transcript(binding), proof.slice(1))).toBe(false);
});

test("without TLS certificates prove nothing, whatever is sent", () => {
  for (const unbound of [undefined, new Uint8Array(0), new Uint8Array(31)]) {
    const proof = authentication.prove(transcript(unbound));
    expect(authentication.verify(transcript(unbound), proof)).toBe(false);
  }
  expect(authentication.verify(new Uint8Array(3), authentication.prove(new Uint8Array(3)))).toBe(
    false,
  );
  const run = runBoth(dialerOf({ authentication }), acceptorOf({ authentication }));
  expect(endOf(run.acceptor)).toBe("ERR_WRONG_SECRET by us");
  const bound = { authentication, binding };
  expect(endOf(runBoth(dialerOf(bound), acceptorOf(bound)).dialer)).toBe("established");
});

test("a node that proves by certificates and one that proves a secret refuse each other by method", () => {
  const run = runBoth(dialerOf({ authentication, binding }), acceptorOf({ binding }));
  expect(endOf(run.acceptor)).toBe("ERR_AUTHENTICATION_METHOD by us");
});

test("the binding is read from where a transcript has it, and from nothing else", () => {
  expect(bindingIn(transcript(binding))).toEqual(binding);
  expect(bindingIn(transcript(undefined))).toHaveLength(0);
  expect(bindingIn(transcript(binding).slice(0, -1))).toHaveLength(0);
  expect(bindingIn(Uint8Array.from([...transcript(binding), 0]))).toHaveLength(0);
});
