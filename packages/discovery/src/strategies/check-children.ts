/** Whether what `union` and `fallback` were given are strategies. */
import { coreErrors, type DiscoveryStrategy } from "@foundation/core";

/** @throws {ERR_INVALID_ARGUMENT} without a strategy, or with one that is none */
export function checkChildren(name: string, strategies: readonly DiscoveryStrategy[]): void {
  const argument = `${name}.strategies`;
  const expected = "a list of at least one discovery strategy";
  const isList = Array.isArray(strategies);
  const wrong = isList ? strategies.findIndex((each) => typeof each?.discover !== "function") : -1;
  if (isList && strategies.length > 0 && wrong < 0) return;
  const found = !isList
    ? typeof strategies
    : strategies.length === 0
      ? "an empty list"
      : `no strategy at position ${wrong}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}

/** `union(dns, gossip)`: for people, and for whoever asks what kind of strategies are in it. */
export function nameOfAll(word: string, strategies: readonly DiscoveryStrategy[]): string {
  return `${word}(${strategies.map(({ name }) => name).join(", ")})`;
}
