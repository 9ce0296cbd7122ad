/** A planted bug is caught by the simulator, by a seed that passes without it. */
import { expect, test } from "@jest/globals";
import { catalogue } from "../../src/catalogue/index.js";
import { gamesOf, hunt } from "../../src/hunt.js";
import type { Mutant } from "../../src/mutant.js";

const mutant = catalogue.find(({ name }) => name === "loser-runs-on") as Mutant;
const BUDGET_MS = 60_000;

test("a loser of a name that runs on is caught, and its seed passes without the bug", async () => {
  const games = gamesOf(mutant, 20);
  const lines = await hunt(mutant, { games, budgetMs: BUDGET_MS });
  const last = lines.at(-1);
  expect(last?.violation).toMatch(/^one instance: /);
  const same = games.filter(({ seed }) => seed === last?.seed);
  const [control] = await hunt(undefined, { games: same, budgetMs: BUDGET_MS });
  expect(control).toMatchObject({ seed: last?.seed });
  expect(control?.violation).toBeUndefined();
});

test("a mutant in a file that no node loads is refused", async () => {
  const file = "tooling/mutants/src/order.ts";
  const unused: Mutant = { ...mutant, name: "nowhere", file, edits: [] };
  const hunting = hunt(unused, { games: gamesOf(unused, 1), budgetMs: BUDGET_MS });
  await expect(hunting).rejects.toThrow("Planted is undefined, expected nowhere");
});
