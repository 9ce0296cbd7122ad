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
  crash: () => {
    throw new TypeError("a bug, on purpose");
  },
};

const cast = {
  note: (context: Context, id: string) => void add(context, id, false),
};

const terminate = ({ state, self }: Context, { type }: ExitReason) => {
  book().ended(state, self, type);
};

export interface SubjectArgs {
  readonly identity: string;
}

const init = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self);
const initStrong = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self, { isStrong: true });

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
