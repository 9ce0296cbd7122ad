/**
 * Command: what clients of a group put into its log, as text.
 *
 * Every attempt has a name of its own, also when it repeats an earlier one: so an entry says which request it is, and
 * what was told about that request can be held against what was done.
 */
import type { Entry, SessionCommand } from "@foundation/consensus";

export type Operation =
  | { readonly type: "put"; readonly key: string; readonly value: number }
  | { readonly type: "delete"; readonly key: string }
  | {
      readonly type: "compareAndSet";
      readonly key: string;
      readonly expected: number | null;
      readonly value: number;
    }
  /** `takes`: also from one that holds it, as when its lease has run out. */
  | { readonly type: "acquire"; readonly key: string; readonly takes: boolean }
  | { readonly type: "release" | "use"; readonly key: string; readonly token: number };

/** What the machine answers: see the models of the linearizability checker. */
export type Answer = number | boolean | null;

export interface Command {
  /** Of the attempt. */
  readonly name: string;
  /** Of the operation, which may be tried several times and must take effect once. */
  readonly of: string;
  /** With a session, repeated attempts are recognised. */
  readonly session?: SessionCommand<Operation>;
  readonly operation?: Operation;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Members share the bytes of an entry, and each of them applies it. */
const decoded = new WeakMap<Uint8Array, { readonly text: string; readonly command: Command }>();

export function bytesOf(command: Command): Uint8Array {
  return encoder.encode(JSON.stringify(command));
}

export function commandIn(data: Uint8Array): { readonly text: string; readonly command: Command } {
  let found = decoded.get(data);
  if (!found) {
    const text = decoder.decode(data);
    found = { text, command: JSON.parse(text) as Command };
    decoded.set(data, found);
  }
  return found;
}

/** Equal for equal entries, but for their place. */
export function textOf(entry: Entry): string {
  if (entry.type === "command") return commandIn(entry.data).text;
  return entry.type === "empty" ? "-" : JSON.stringify(entry.configuration);
}

/** For a person. */
export function nameOf(entry: Entry): string {
  if (entry.type === "command") return commandIn(entry.data).command.name;
  return entry.type;
}

/** Keys of clients with sessions. */
export const SESSION_KEYS = ["s0", "s1", "s2"] as const;
export const LOCKS = ["l0", "l1"] as const;

/** A put answers nothing. */
export function answerOf({ type }: Operation, response: Answer): Answer | undefined {
  return type === "put" ? undefined : response;
}
