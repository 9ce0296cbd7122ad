/**
 * What the experiments must show, and what they showed besides.
 *
 * The bounds are the same for whole overlays and for pure cores on one shared directory; a part that was not played has
 * no aims.
 */
import type {
  Churn,
  Crash,
  Joined,
  Looked,
  Rest,
  Series,
  WholePlayed,
} from "../../../acceptance/overlay/index.js";
import { atLeast, atMost, type Aim, type Figure } from "../report.js";
import type { OverlayOrder } from "./order.js";
import { SMALL_NODES, type Answer } from "./task.js";

/** Up to so many nodes the closer bound of the last hop holds. */
const SMALLER_NODES_MAX = 1_000;
const LAST_HOP_MAX = 10;
const LAST_HOP_MAX_OF_MANY = 14;
const REDUNDANCY_MAX = 0.1;
const REST_BYTES_MAX = 1_024;
/** Flat: what a node costs at rest may be so many times that of a small overlay. */
const FLAT_TIMES_MAX = 1.25;
/** From the last start. */
const LISTED_MS_MAX = 30_000;
const FIRST_PASS_PERCENT_MIN = 99.9;
/** Crashes of more leave no promise but that the survivors find each other. */
const REACHED_SHARE_MAX = 0.8;

export interface Judged {
  readonly aims: readonly Aim[];
  readonly figures: readonly Figure[];
}

export function judge({ nodes }: Pick<OverlayOrder, "nodes">, answers: readonly Answer[]): Judged {
  const verdict = new Verdict(nodes);
  for (const answer of answers) verdict.hear(answer);
  verdict.conclude();
  return verdict;
}

class Verdict implements Judged {
  readonly aims: Aim[] = [];
  readonly figures: Figure[] = [];
  readonly #nodes: number;
  readonly #restBytes = new Map<"steady" | "small", number>();
  #findings = 0;
  #isRollOutTold = false;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  hear(answer: Answer): void {
    this.#findings += answer.played.findingCount;
    switch (answer.type) {
      case "storm":
        return this.#storm(answer);
      case "steady":
        this.#joined("quick rollout", answer.played.joined);
        return this.#looked(answer.played);
      case "small":
        return this.#small(answer.played.rest);
      case "crash":
        return this.#crash(answer.played);
      case "churn":
        return this.#churn(answer.played);
      case "whole":
        return this.#whole(answer.played);
      case "whole-small":
        return answer.played.looked && this.#small(answer.played.looked.rest);
      default:
        answer satisfies never;
    }
  }

  conclude(): void {
    const many = this.#restBytes.get("steady");
    const few = this.#restBytes.get("small");
    if (many !== undefined && few !== undefined && this.#nodes > SMALL_NODES) {
      const name = `bytes of a node at rest, times those of one of ${SMALL_NODES}`;
      this.aims.push(atMost(name, FLAT_TIMES_MAX, rounded(many / few, 3)));
    }
    this.aims.push(atMost("what a core did that it must not", 0, this.#findings));
  }

  #storm({ played }: Answer & { readonly type: "storm" }): void {
    const { joined, averagePath, averagePathMixed } = played;
    const what = "join storm through 5 seeds";
    this.#figure(`${what}: ms from the last start to one component`, joined.oneComponentMs);
    this.#figure(`${what}: messages a node until then`, joined.messagesPerNode, 1);
    this.#figure(`${what}: mean path then`, averagePath, 2);
    this.#figure(`${what}: mean path when mixed`, averagePathMixed, 2);
    this.aims.push(atMost(`${what}: ms to one component`, 10_000, joined.oneComponentMs));
  }

  #whole({ joined, looked, churn, crashes }: WholePlayed): void {
    if (!this.#isRollOutTold) this.#rolledOut(joined);
    if (looked !== undefined) this.#looked(looked);
    for (const crash of crashes) this.#crash(crash);
    if (churn !== undefined) this.#churn(churn);
  }

  /** The worlds of one seed begin alike. */
  #rolledOut(joined: Joined): void {
    this.#isRollOutTold = true;
    const what = "rollout through 5 seeds";
    this.#joined(what, joined);
    this.aims.push(atMost(`${what}: ms until all list all`, LISTED_MS_MAX, joined.listedMs));
  }

  #joined(what: string, { oneComponentMs, messagesPerNode }: Joined): void {
    this.#figure(`${what}: ms from the last start to one component`, oneComponentMs);
    this.#figure(`${what}: messages a node until then`, messagesPerNode, 1);
  }

  #small(rest: Rest): void {
    this.#restBytes.set("small", rest.bytesPerNodeSecond);
    this.#rest(`${SMALL_NODES} nodes, at rest`, rest);
  }

  #looked({ shape, first, single, multi, rest, restBefore }: Looked): void {
    const { paths, clustering, inDegree, oneSided, passive, links, components } = shape;
    this.#figure("shape: mean path", paths.average, 2);
    this.#figure("shape: longest path", paths.longest);
    this.#figure("shape: clustering", clustering, 5);
    this.#figure("shape: in-degree, mean", inDegree.mean, 2);
    this.#figure("shape: in-degree, deviation", inDegree.deviation, 3);
    this.#figure("shape: in-degree, least", inDegree.least);
    this.#figure("shape: in-degree, most", inDegree.most);
    this.#figure("shape: passive view, mean", passive?.mean, 1);
    this.#figure("shape: links a node, mean", links.mean, 2);
    this.#figure("shape: links a node, most", links.most);
    this.aims.push(atMost("shape: components", 1, components));
    this.aims.push(atMost("shape: one-sided views", 0, oneSided));
    this.#series("first broadcast", first);
    this.#series("single source", single);
    this.#series("multi source", multi);
    const hops = this.#nodes > SMALLER_NODES_MAX ? LAST_HOP_MAX_OF_MANY : LAST_HOP_MAX;
    const redundancy = rounded(single.redundancy, 4);
    this.aims.push(atMost("single source: redundancy, mean", REDUNDANCY_MAX, redundancy));
    this.aims.push(atMost("single source: last hop, mean", hops, rounded(single.lastHop, 2)));
    const missed = first.missed + single.missed + multi.missed;
    this.aims.push(atMost("broadcasts without faults: missed", 0, missed));
    this.#rest("at rest before any broadcast", restBefore);
    this.#rest("at rest", rest);
    this.#restBytes.set("steady", rest.bytesPerNodeSecond);
    // Nobody died: whoever is suspected is suspected wrongly, and everybody is told.
    const suspects = Math.max(suspectsOf(restBefore), suspectsOf(rest));
    this.aims.push(atMost("at rest: accusations a node and second", 0, rounded(suspects, 4)));
    const bytes = rounded(rest.bytesPerNodeSecond, 1);
    this.aims.push(atMost("at rest: bytes a node and second", REST_BYTES_MAX, bytes));
  }

  #crash(played: Crash): void {
    const what = `crash of ${Math.round(played.share * 100)} %`;
    const { atOnce, atOnceInTheEnd, afterRepair } = played;
    this.#figure(`${what}: survivors connected at once, %`, 100 * played.largestAtOnce, 2);
    this.#figure(`${what}: ms to one component`, played.oneComponentMs);
    this.#figure(`${what}: ms until survivors list the survivors alone`, played.listedMs);
    this.#figure(`${what}: messages a survivor until then`, played.messagesPerSurvivor, 1);
    this.#figure(`${what}: sent at once: reached by 3 s, %`, percent(atOnce.reliability));
    this.#figure(
      `${what}: sent at once: reached in the end, %`,
      percent(atOnceInTheEnd.reliability),
    );
    this.#series(`${what}: sent after repair`, afterRepair);
    this.aims.push(atMost(`${what}: components after repair`, 1, played.components));
    if (played.share > REACHED_SHARE_MAX) return;
    this.aims.push(atMost(`${what}: missed by survivors after repair`, 0, afterRepair.missed));
  }

  #churn({ firstPass, afterRepair, lastWords, series, shape, died }: Churn): void {
    this.#figure("churn: nodes that died, and that joined", died);
    this.#figure("churn: broadcasts", series.broadcasts);
    this.#figure("churn: deliveries owed", firstPass.expected);
    this.#figure("churn: missed at first pass", firstPass.missed);
    this.#figure("churn: last words of the dying: deliveries", lastWords?.expected);
    this.#figure("churn: last words of the dying: missed", lastWords?.missed);
    this.#figure("churn: redundancy, mean", series.redundancy, 3);
    this.#figure("churn: last hop, mean", series.lastHop, 1);
    this.#figure("churn: last hop, greatest", series.lastHopMost);
    this.#figure("churn: one-sided views at its end", shape.oneSided);
    this.#figure("churn: components at its end", shape.components);
    const first = percent(firstPass.reliability);
    this.aims.push(atLeast("churn: reached at first pass, %", FIRST_PASS_PERCENT_MIN, first));
    this.aims.push(atMost("churn: missed after repair", 0, afterRepair.missed));
  }

  #series(what: string, series: Series): void {
    this.#figure(`${what}: redundancy, mean`, series.redundancy, 4);
    this.#figure(`${what}: redundancy, greatest`, series.redundancyMost, 4);
    this.#figure(`${what}: last hop, mean`, series.lastHop, 1);
    this.#figure(`${what}: last hop, greatest`, series.lastHopMost);
    this.#figure(`${what}: last delivery after ms, mean`, series.lastMs, 0);
    this.#figure(`${what}: missed`, series.missed);
  }

  #rest(what: string, rest: Rest): void {
    this.#figure(`${what}: messages a node and second`, rest.messagesPerNodeSecond, 3);
    this.#figure(`${what}: bytes a node and second`, rest.bytesPerNodeSecond, 1);
    for (const [kind, perSecond] of Object.entries(rest.kinds)) {
      this.#figure(`${what}: ${kind} a node and second`, perSecond, 3);
    }
  }

  /** What did not come about has no figure. */
  #figure(name: string, value: number | undefined, digits = 3): void {
    if (value !== undefined) this.figures.push({ name, value: rounded(value, digits) });
  }
}

/** The cores have no failure detector, and none of these. */
function suspectsOf({ kinds }: Rest): number {
  return kinds["membership suspect"] ?? 0;
}

/** Never rounded up: 100 is everybody. */
function percent(part: number): number {
  return Math.floor(part * 1_000_000) / 10_000;
}

function rounded(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
