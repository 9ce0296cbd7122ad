/** What each contestant of the formation suite that is Node's can do: start one node of a cluster. */

/** Which node of how many this one is. */
export interface Place {
  /** From 0, which is the node that the others are told of, where a contestant needs that. */
  readonly index: number;
  readonly nodes: number;
  /** Where the first node listens. */
  readonly seedPort: number;
  /** For those that find each other by datagrams. */
  readonly discoveryPort: number;
  /** Whose modules are loaded for contestants that are no part of the workspace. */
  readonly peers: string;
}

export interface Started {
  /** Resolves when this node lists all nodes. */
  readonly full: Promise<void>;
}

export interface Contestant {
  /** Starts the node; how long it takes is a part of what is measured. */
  start(place: Place): Promise<Started>;
}
