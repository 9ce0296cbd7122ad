/** TreeRules: what a supervision tree must do when one of its children ends. Pure. */

/** Whom a tree starts again when a child ends. */
export type Strategy = "one-for-one" | "one-for-all" | "rest-for-one";

/** The children that are new after one of them has crashed, in the order of their start. */
export function restartedBy(
  strategy: Strategy,
  ids: readonly string[],
  crashed: string,
): readonly string[] {
  switch (strategy) {
    case "one-for-one":
      return [crashed];
    case "one-for-all":
      return ids;
    case "rest-for-one":
      return ids.slice(ids.indexOf(crashed));
    default:
      return strategy satisfies never;
  }
}

/** What a crash did to a tree. */
export interface Restart {
  readonly tree: string;
  readonly strategy: Strategy;
  /** The children in the order of their start. */
  readonly ids: readonly string[];
  readonly crashed: string;
  /** Instances by id. */
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
  /** Ids in the order in which instances of them began meanwhile. */
  readonly births: readonly string[];
}

/** What of it was wrong: a child that is lost, new and should not be, old and should not be, or began out of order. */
export function wrongRestart(restart: Restart): readonly string[] {
  const { tree, strategy, ids, crashed, before, after, births } = restart;
  const what = `when "${crashed}" of the ${strategy} tree ${tree} had crashed`;
  const expected = restartedBy(strategy, ids, crashed);
  const wrong: string[] = [];
  for (const id of ids) {
    const now = after.get(id);
    if (now === undefined) wrong.push(`${what}, "${id}" ran no more`);
    else if (expected.includes(id) && now === before.get(id)) {
      wrong.push(`${what}, "${id}" was not started again`);
    } else if (!expected.includes(id) && now !== before.get(id)) {
      wrong.push(`${what}, "${id}" was started again: ${before.get(id)} became ${now}`);
    }
  }
  if (births.join() !== expected.join()) {
    wrong.push(`${what}, ${births.join(", ") || "nobody"} began, not ${expected.join(", ")}`);
  }
  return wrong;
}
