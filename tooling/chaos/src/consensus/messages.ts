/** What the chaos run and its voters tell each other. */
import type { NodeId } from "@foundation/core";
import type { KeyValueInput, KeyValueOutput } from "@foundation/testkit";

export interface VoterTask {
  readonly index: number;
  /** Of all voters, in order. */
  readonly ids: readonly NodeId[];
  readonly hosts: readonly string[];
  readonly port: number;
  readonly folder: string;
  /** How often it was started before. */
  readonly starts: number;
}

export type Input = KeyValueInput<string>;
export type Output = KeyValueOutput<string>;

export interface Ask {
  readonly type: "ask";
  readonly id: number;
  readonly key: string;
  readonly input: Input;
  readonly timeoutMs: number;
}

export type Told =
  | Ask
  /** From now on the disk takes so much longer to make anything durable. */
  | { readonly type: "slow-disk"; readonly byMs: number }
  /** From now on what this voter sends the others leaves so much later, in order. */
  | { readonly type: "slow-link"; readonly byMs: number };

export type Answer = { readonly type: "answer"; readonly id: number } & (
  | { readonly outcome: "ok"; readonly output?: Output }
  | { readonly outcome: "not-applied"; readonly code: string }
  | { readonly outcome: "unknown" }
);

export type Heard =
  | { readonly type: "up" }
  | { readonly type: "leader"; readonly id: NodeId | undefined }
  /** It takes part no more. */
  | { readonly type: "failed"; readonly message: string }
  | Answer;
