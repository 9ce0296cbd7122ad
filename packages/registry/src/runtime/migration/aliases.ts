/**
 * Aliases: the names given by hand to a process that moves. They go along, in the message that ends the hand-over; and with
 * the copy, for the case that this message never comes.
 *
 * Such a claim has no version of a child; its generation counts the moves, so that the new node's outranks that of the old
 * one, which goes on claiming the name until everybody has heard.
 */
import type { Pid } from "@foundation/core";

/** A name given by hand, as it travels. */
export interface Alias {
  readonly name: string;
  /** Beside others under the same name. */
  readonly duplicate: boolean;
  readonly meta: unknown;
  /** How often it has moved. */
  readonly generation: number;
}

/** Who keeps the names given by hand. */
export interface Aliases {
  /** The names of a process. */
  aliasesOf(pid: Pid): readonly Alias[];
  /** The names of a process that moves away; this node goes on claiming the unique ones. */
  takeAliases(pid: Pid): readonly Alias[];
  /** The names of a process that has moved here from `from`. */
  adoptAliases(aliases: readonly Alias[], pid: Pid, from: Pid): void;
}

/** Names as they travel with a copy: those of the process `from`. */
export interface NamesToAdopt {
  readonly aliases: readonly Alias[];
  readonly from: Pid;
}

/** More of them than this do not travel with the copy. */
export const COPIED_ALIASES_BYTES_MAX = 16_384;

/** More than a process has; a peer that sends more is not believed. */
const ALIASES_MAX = 10_000;

/** The names that a peer sent; what cannot be read is left out. */
export function parseAliases(value: unknown): readonly Alias[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly unknown[]).slice(0, ALIASES_MAX).flatMap((each) => {
    const { name, duplicate, meta, generation } = (each ?? {}) as Partial<Alias>;
    const isCount = typeof generation === "number" && Number.isSafeInteger(generation);
    if (typeof name !== "string" || name === "" || !isCount || generation < 0) return [];
    return [{ name, duplicate: duplicate === true, meta, generation }];
  });
}
