/**
 * shorten: the fewest deeds with which a seed is still violated by the same check, and the story of that run.
 *
 * Zeller and Hildebrandt's ddmin (2002), over deeds that draw from sources of their own. What is left out changes what
 * follows all the same, since the world goes another way, so it only tries: a story may stay long.
 */
import { playConsensus, type ConsensusOrder, type ConsensusPlayed } from "./play-consensus.js";

export interface Shortened {
  readonly played: ConsensusPlayed;
  readonly plays: number;
  /** All of it as text for a person. */
  readonly report: string;
}

const PLAYS_MAX = 150;

/** @param tell is told before each play */
export async function shorten(
  order: ConsensusOrder,
  tell: (line: string) => void = () => {},
): Promise<Shortened> {
  const first = await playConsensus(order);
  const check = first.violation?.check;
  let best = first;
  let skip: readonly string[] = order.skip ?? [];
  let plays = 1;
  const without = async (names: readonly string[]): Promise<boolean> => {
    plays += 1;
    tell(
      `${order.seed}: ${best.deeds.length} deeds suffice, play ${plays} of at most ${PLAYS_MAX}`,
    );
    const tried = await playConsensus({ ...order, skip: [...skip, ...names] });
    if (tried.violation?.check !== check || tried.deeds.length >= best.deeds.length) return false;
    skip = [...skip, ...names];
    best = tried;
    return true;
  };
  let size = Math.ceil(first.deeds.length / 2);
  while (check !== undefined && size >= 1 && plays < PLAYS_MAX) {
    let isShorter = false;
    for (let at = 0; at < best.deeds.length && plays < PLAYS_MAX; at += size) {
      if (await without(best.deeds.slice(at, at + size))) {
        isShorter = true;
        at -= size;
      }
    }
    if (!isShorter) size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  const played = await playConsensus({ ...order, skip, isTold: true });
  return { played, plays, report: reportOf(order, first, played, plays) };
}

function reportOf(
  { seed, voters, forMs }: ConsensusOrder,
  first: ConsensusPlayed,
  { violation, deeds, story, weather }: ConsensusPlayed,
  plays: number,
): string {
  const length = forMs === undefined ? "" : ` --for ${forMs}ms`;
  const replay = `replay: npm run sim -- consensus --seed ${seed} --voters ${voters}${length}`;
  if (!violation) return [`seed ${seed}, ${voters} voters: nothing wrong`, replay].join("\n");
  const { check, what, atMs } = violation;
  return [
    `seed ${seed}, ${voters} voters, at ${atMs.toFixed(1)} ms: [${check}] ${what}`,
    weather,
    `${deeds.length} of ${first.deeds.length} deeds suffice (${plays} plays); the end of the story:`,
    ...story,
    replay,
  ].join("\n");
}
