/** What a test and its node processes tell each other. */
import type { CallEnded } from "../../../apps/quickstart/src/messages.js";

export type ToOsNode =
  | { readonly type: "start"; readonly journal: string }
  /** Start a process that does not end when it is asked to. */
  | { readonly type: "cling" }
  /** Keep calling until told to rest. */
  | { readonly type: "work" }
  | { readonly type: "rest" }
  /** Write a key that the whole cluster agrees on. */
  | { readonly type: "put"; readonly key: string; readonly value: string }
  | { readonly type: "get"; readonly key: string }
  /** Everything a user could print of a node. */
  | { readonly type: "show" }
  | { readonly type: "leave" };

export type FromOsNode =
  | { readonly type: "up"; readonly id: string; readonly boot: string; readonly name: string }
  | {
      readonly type: "event";
      readonly event: string;
      readonly node: string;
      readonly nodes: number;
    }
  | { readonly type: "refused"; readonly code: string; readonly message: string }
  | { readonly type: "done"; readonly of: "start" | "cling" | "rest" }
  | { readonly type: "shown"; readonly text: string }
  /** Of a `put` or a `get`: the value there is, or the code of the error. */
  | {
      readonly type: "agreed";
      readonly key: string;
      readonly value?: string | undefined;
      readonly code?: string;
    }
  | CallEnded;
