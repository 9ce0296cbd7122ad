/** What a node process of the switching suite and its parent tell each other. */
import type { TopologyName } from "@foundation/overlay";

/** How a number travels: a message to one node, or a broadcast on one of the channels. */
export const ROWS = ["message", "best", "reliable", "newest"] as const;
export type Row = (typeof ROWS)[number];
/** Rows of which each number must come. */
export const COMPLETE_ROWS: readonly Row[] = ["message", "best", "reliable"];

/** The one argument of a process, as JSON. */
export interface NodeTask {
  readonly index: number;
  readonly peers: readonly string[];
  /** It broadcasts too. */
  readonly isOrigin: boolean;
  /** Between two messages of it, and between two broadcasts. */
  readonly everyMs: number;
}

export type Told =
  | { readonly type: "begin" }
  | { readonly type: "switch"; readonly to: TopologyName }
  | { readonly type: "quiet" }
  | { readonly type: "look"; readonly look: number };

/** The numbers of one sender, as one receiver saw them. */
export interface Heard {
  readonly from: string;
  readonly row: Row;
  readonly distinct: number;
  readonly last: number;
  /** The first of those that have not come, before one that has. */
  readonly missing: readonly number[];
  readonly doubled: number;
  readonly disordered: number;
  /** The longest time between two of them that came one after the other. */
  readonly longestGapMs: number;
}

export type FromNode =
  | { readonly type: "up"; readonly id: string; readonly address: string }
  | { readonly type: "switched"; readonly to: TopologyName; readonly atMs: number }
  | { readonly type: "down"; readonly of: string }
  | Books;

/** What a node has sent and heard; the answer to a look. */
export interface Books {
  readonly type: "books";
  readonly look: number;
  readonly members: number;
  /** Numbers it was allowed to send: to each node by its id, and of each row of broadcasts by its name. */
  readonly sent: Readonly<Record<string, number>>;
  readonly heard: readonly Heard[];
}
