/** Subjects: the processes that the hunt starts, calls, moves and cuts off. What they do, they write into the book. */
import { defineProcess } from "@foundation/foundation";
import { nodeRuntime, type ExitReason, type Pid } from "@foundation/core";
import { book, instanceOf, type LineState } from "./process-book.js";

interface Context {
  readonly state: LineState;
  readonly self: Pid;
  readonly token: number | undefined;
}

/** What a handler gives when the outside world has refused its effect. */
export const REFUSED = -1;

/** The outside world takes an effect of a strong process only with the newest token there was. */
function add({ state, self, token }: Context, id: string, isLate: boolean): number {
  const { identity, isStrong } = state;
  const effect = isStrong ? { identity, token, isLate } : undefined;
  return book().ran(state, self, id, effect) ? state.ran.length : REFUSED;
}

const call = {
  add: (context: Context, id: string) => add(context, id, false),
  /** Takes its time before it does what it was asked for. */
  addLater: async (context: Context, { id, afterMs }: { id: string; afterMs: number }) => {
    await nodeRuntime().clock.sleep(afterMs);
    return add(context, id, true);
  },
  who: ({ self }: Context) => instanceOf(self),
  /** All that ran in it, and what came to it from one that had its name. */
  known: ({ state }: Context) => [...state.ran, ...state.merged],
  crash: () => {
    throw new TypeError("a bug, on purpose");
  },
};

const cast = {
  note: (context: Context, id: string) => void add(context, id, false),
};

const terminate = ({ state, self }: Context, { type }: ExitReason) => {
  book().ended(state, self, type);
  if (type === "name-conflict") book().conflicts.lost(state, instanceOf(self));
};

export interface SubjectArgs {
  readonly identity: string;
}

const init = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self);
const initStrong = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self, { isStrong: true });

const initKept = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self, { isKept: true });

/** Known to every node. */
export const common = defineProcess({ name: "hunt.common", init, call, cast, terminate });

/** Known to some nodes only, in worlds that are wired by hand. */
export const rare = defineProcess({ name: "hunt.rare", init, call, cast, terminate });

/** Of which at most one instance has effect. */
export const sole = defineProcess({
  name: "hunt.sole",
  init: initStrong,
  call,
  cast,
  terminate,
});

/** Goes on from what it kept: whoever was answered finds it there. */
export const saver = defineProcess({
  name: "hunt.saver",
  init: initKept,
  call,
  cast,
  terminate,
  persist: "each-message",
});

/** Takes over what another of its name knew. */
export const merger = defineProcess({
  name: "hunt.merger",
  init,
  call,
  cast,
  terminate,
  resolveConflict: ({ state, self }: Context, other: LineState) => {
    book().conflicts.offered(other, instanceOf(self));
    state.merged.push(...other.ran, ...other.merged);
  },
});

/** A child of supervision trees. */
export const worker = defineProcess({ name: "hunt.worker", init, call, cast, terminate });
