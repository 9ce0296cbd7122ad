/** NodeRecord: what a core world keeps of one node over all its boots, and what a test sees of it. */
import type { CoreBoot, NodeClock } from "./core-boot.js";
import type { CoreDisk } from "./core-disk.js";
import type { CoreNode } from "./core-world.js";

export interface NodeRecord<Input, Message, Write, Core> {
  readonly clock: NodeClock;
  readonly disk: CoreDisk<Write>;
  readonly name: string;
  boot: CoreBoot<Input, Message, Write>;
  core: Core;
  isHostOn: boolean;
}

/** The same node for ever: what it tells is of the present boot. */
export function viewOf<Input, Message, Write, Core>(
  node: NodeRecord<Input, Message, Write, Core>,
): CoreNode<Core> {
  return {
    get node() {
      return node.boot.node;
    },
    get boot() {
      return node.boot.boot;
    },
    get state() {
      if (!node.boot.isRunning) return "down";
      return node.boot.isPaused ? "paused" : "up";
    },
    get core() {
      return node.core;
    },
  };
}
