/** A group of three whose members serve nodes that are none, and such a node. */
import type { Engine } from "../../src/engine/engine.js";
import { createRemoteEngine } from "../../src/remote/remote-engine.js";
import { serveEngine } from "../../src/remote/serve-engine.js";
import { StoreGroup, type StoreMember } from "./store-group.js";

const NAME = "store";
const OUTSIDE = "outside";

export class ServedGroup {
  readonly group: StoreGroup;

  private constructor(group: StoreGroup) {
    this.group = group;
    for (const member of group.members) this.serve(member);
  }

  static async open(): Promise<ServedGroup> {
    return new ServedGroup(await StoreGroup.open(3, {}, [OUTSIDE]));
  }

  serve({ name, group, machine, engine }: StoreMember): void {
    const { clock, cluster } = this.group;
    const { messenger } = cluster.node(name);
    serveEngine({ messenger, name: NAME, group, machine, engine: engine(), clock });
  }

  /** An engine on the node that is no member. It asks the first member that runs. */
  engine(): Engine {
    const { clock, cluster, members } = this.group;
    const { messenger } = cluster.node(OUTSIDE);
    const voters = () => members.map(({ name }) => cluster.node(name).id);
    return createRemoteEngine({ messenger, name: NAME, voters, clock });
  }
}
