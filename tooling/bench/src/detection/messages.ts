/** What a node process of the detection suite and its parent tell each other. */

/** The one argument of a process, as JSON. */
export interface NodeTask {
  readonly host: string;
  /** Addresses of others; none for the first node. */
  readonly peers: readonly string[];
}

export type Heard =
  | {
      readonly type: "up";
      readonly id: string;
      readonly address: string;
    }
  | News
  | View;

/** What a node says of another one. */
export interface News {
  readonly type: "news";
  readonly event: "node-suspect" | "node-down";
  readonly of: string;
  /** By the monotonic clock of the machine. */
  readonly atMs: number;
  readonly reason: string;
}

/** How a node stands; the answer to Look. */
export interface View {
  readonly type: "view";
  readonly look: number;
  readonly members: number;
  readonly suspects: number;
  readonly links: number;
}

export interface Look {
  readonly look: number;
}
