/** What discovery is measured by, beside the table: Kubernetes at its largest, and an outage under a whole cluster. */
import {
  measureJoins,
  measureResyncs,
  measureUpdates,
} from "../../../packages/discovery/test/kubernetes/measure.js";
import type { Bundle } from "../worlds/namespaces/bundle.js";
import { bundleLanNode, canMakeLan, formedMs, LanCluster } from "./lan-cluster.js";
import type { Row } from "./matrix.js";
import { playOutage } from "./outage.js";

/** One aim and how it was met. */
export interface Aim {
  readonly name: string;
  readonly target: string;
  readonly value: number | string;
  readonly met: boolean;
}

/** The table's own aim: every cell green. */
export function tableAim(rows: readonly Row[]): Aim {
  const cells = rows.flatMap((row) => row.cells);
  const good = cells.filter(({ failure }) => failure === undefined).length;
  return {
    name: "promises kept, of all strategies",
    target: `${cells.length}`,
    value: good,
    met: good === cells.length,
  };
}

/** Kubernetes: a join at once, and a service of ten thousand. */
export async function kubernetesAims(): Promise<readonly Aim[]> {
  const joins = await measureJoins();
  const { updateMs } = await measureUpdates(10_000);
  const { grownBytes } = await measureResyncs();
  const grownMb = grownBytes / 2 ** 20;
  return [
    {
      name: `kubernetes: the slowest of 20 joins is seen over HTTPS, by ${joins.requests} requests`,
      target: "< 1000 ms",
      value: round(joins.worstMs),
      met: joins.worstMs < 1_000 && joins.requests === 0,
    },
    {
      name: "kubernetes: CPU of an update among 10,000 endpoints in 100 slices, the worst",
      target: "< 200 ms",
      value: round(updateMs.worst),
      met: updateMs.worst < 200,
    },
    {
      name: "kubernetes: heap grown over 1,000 resyncs",
      target: "< 2 MB",
      value: round(grownMb),
      met: grownMb < 2,
    },
  ];
}

/** Two machines on one wire, without any configuration but one word and a secret: five times each, none left out. */
export async function lanAims(): Promise<readonly Aim[]> {
  const target = "< 2000 ms, the slowest of 5";
  if (!(await canMakeLan())) {
    const why = "not tried: it takes network namespaces (Linux, as root)";
    return ["mdns", "gossip"].map((word) => ({
      name: formedBy(word),
      target,
      value: why,
      met: false,
    }));
  }
  const program = bundleLanNode();
  const aims: Aim[] = [];
  try {
    for (const word of ["mdns", "gossip"]) {
      const took: number[] = [];
      for (let time = 0; time < 5; time += 1) took.push(await formedOnce(program, word));
      const worst = Math.max(...took);
      aims.push({ name: formedBy(word), target, value: round(worst), met: worst < 2_000 });
    }
  } finally {
    program.remove();
  }
  return aims;
}

async function formedOnce(program: Bundle, word: string): Promise<number> {
  const machines = await LanCluster.create(program, 2);
  const secret = "a secret that both of these machines were given";
  try {
    return await formedMs([1, 2].map((host) => machines.start(host, word, secret)));
  } finally {
    await machines.close();
  }
}

const formedBy = (word: string): string =>
  `two machines form a cluster by ${word} and a secret alone`;

/** The first backend away for ten minutes of virtual time under so many nodes. */
export async function outageAims(nodes: number): Promise<readonly Aim[]> {
  const found = await playOutage({ nodes, seed: "matrix" });
  const steps = `${found.stepsDown} down, ${found.stepsBack} back`;
  return [
    {
      name: `${nodes} nodes, 10 minutes without the first backend: members lost`,
      target: "0",
      value: found.disconnects,
      met: found.disconnects === 0 && found.isWhole,
    },
    {
      name: `${nodes} nodes: each steps to the second backend once, and back once`,
      target: `${nodes} down, ${nodes} back`,
      value: steps,
      met: found.stepsDown === nodes && found.stepsBack === nodes,
    },
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
