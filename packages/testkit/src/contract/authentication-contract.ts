/** authenticationContract: what every Authentication must do: accept its own proofs and nothing else. */
import assert from "node:assert/strict";
import type { Authentication } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { testsWith, type ContractRunner } from "./runner.js";

export interface AuthenticationContractSetup {
  /** Makes one for a secret; equal secrets make ones that accept each other. */
  create(secret: string): Authentication;
}

/** Runs the suite against one authentication. */
export function authenticationContract(
  runner: ContractRunner,
  setup: AuthenticationContractSetup,
): void {
  const test = testsWith(runner, () => ({
    ours: setup.create("the secret of this cluster"),
    theirs: setup.create("the secret of this cluster"),
    stranger: setup.create("another secret"),
  }));
  const transcript = seededRandom("transcript").secret(300);
  runner.describe("authentication", () => {
    test("a proof made with the same secret is accepted, in both directions", ({
      ours,
      theirs,
    }) => {
      assert.ok(ours.verify(transcript, theirs.prove(transcript)));
      assert.ok(theirs.verify(transcript, ours.prove(transcript)));
      assert.equal(ours.method, theirs.method);
      assert.ok(ours.method.length > 0);
    });

    test("proofs are deterministic and do not change what they are about", ({ ours }) => {
      const before = Uint8Array.from(transcript);
      assert.deepEqual(ours.prove(transcript), ours.prove(transcript));
      assert.deepEqual(transcript, before);
    });

    test("a proof made with another secret is refused", ({ ours, stranger }) => {
      assert.equal(ours.verify(transcript, stranger.prove(transcript)), false);
      assert.equal(stranger.verify(transcript, ours.prove(transcript)), false);
    });

    test("a proof is bound to every byte of the transcript", ({ ours }) => {
      const proof = ours.prove(transcript);
      for (let i = 0; i < transcript.length; i++) {
        const changed = Uint8Array.from(transcript);
        changed[i] = (changed[i] ?? 0) ^ 1;
        assert.equal(ours.verify(changed, proof), false, `byte ${i}`);
      }
      assert.equal(ours.verify(transcript.slice(0, -1), proof), false);
      assert.equal(ours.verify(Uint8Array.from([...transcript, 0]), proof), false);
    });

    test("a proof that was changed, cut, or is too long is refused and does not throw", ({
      ours,
    }) => {
      const proof = ours.prove(transcript);
      for (let i = 0; i < proof.length; i++) {
        const changed = Uint8Array.from(proof);
        changed[i] = (changed[i] ?? 0) ^ 0x80;
        assert.equal(ours.verify(transcript, changed), false, `byte ${i}`);
      }
      for (const wrong of [new Uint8Array(0), proof.slice(0, -1), Uint8Array.from([...proof, 0])]) {
        assert.equal(ours.verify(transcript, wrong), false);
      }
    });
  });
}
