/** runOn: a piece of work of one node of a simulation, for what drives it from outside. */
import type { SimulatedNode, Simulator } from "@foundation/testkit";

/** Resolves with what `work` gives on the node, in an event of its own, so that what follows is that node's too. */
export function runOn<App, T>(
  sim: Simulator<App>,
  node: SimulatedNode<App>,
  work: (app: App) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    sim.at(0, () => {
      if (node.state !== "up" || node.app === undefined) {
        reject(new Error(`${node.name} is ${node.state}`));
        return;
      }
      node.within((app) => void work(app).then(resolve, reject));
    });
  });
}
