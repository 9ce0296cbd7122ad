/** Subjects: the processes that the hunt starts, calls, moves and cuts off. What they do, they write into the book. */
import { defineProcess } from "@foundation/foundation";
import { nodeRuntime, type ExitReason, type Pid } from "@foundation/core";
import { book, instanceOf, type LineState } from "./process-book.js";

interface Context {
  readonly state: LineState;
  readonly self: Pid;
}

const call = {
  add: ({ state, self }: Context, id: string) => {
    book().ran(state, self, id);
    return state.ran.length;
  },
  /** Takes its time before it does what it was asked for. */
  addLater: async ({ state, self }: Context, { id, afterMs }: { id: string; afterMs: number }) => {
    const own = book();
    await nodeRuntime().clock.sleep(afterMs);
    own.ran(state, self, id);
    return state.ran.length;
  },
  who: ({ self }: Context) => instanceOf(self),
  crash: () => {
    throw new TypeError("a bug, on purpose");
  },
};

const cast = {
  note: ({ state, self }: Context, id: string) => book().ran(state, self, id),
};

const terminate = ({ state, self }: Context, { type }: ExitReason) => {
  book().ended(state, self, type);
};

export interface SubjectArgs {
  readonly identity: string;
}

const init = ({ identity }: SubjectArgs, { self }: { readonly self: Pid }) =>
  book().born(identity, self);

/** Known to every node. */
export const common = defineProcess({ name: "hunt.common", init, call, cast, terminate });

/** Known to some nodes only, in worlds that are wired by hand. */
export const rare = defineProcess({ name: "hunt.rare", init, call, cast, terminate });
