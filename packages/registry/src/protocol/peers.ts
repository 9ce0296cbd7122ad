/**
 * Peers: the children that a constraint counts, as one word.
 *
 * A constraint of one child speaks of others: those of its group, of a definition, or whose
 * identity begins with a prefix. All three are known from the specs alone, so every node that has
 * the same specs counts the same. A selector is the word for such a set, fit for a map's key.
 */

/** Which children are meant; with none of the three, those of the child's own group, or else definition. */
export interface Peers {
  /** Those whose constraints name this `group`. */
  readonly group?: string;
  /** Those whose name begins so. */
  readonly prefix?: string;
  /** Those of the process definition of that name. */
  readonly definition?: string;
}

/** `g:` group, `d:` definition or `p:` prefix, then its name. */
export type Selector = `${"g" | "d" | "p"}:${string}`;

/** What selectors look at. */
export interface Peer {
  readonly identity: string;
  readonly definition: string;
  readonly group: string | undefined;
}

/** The selector of the peers that a child means. */
export function selectorOf(peers: Peers, child: Peer): Selector {
  if (peers.group !== undefined) return `g:${peers.group}`;
  if (peers.prefix !== undefined) return `p:${peers.prefix}`;
  if (peers.definition !== undefined) return `d:${peers.definition}`;
  return child.group === undefined ? `d:${child.definition}` : `g:${child.group}`;
}

/** True when the child is one of those. */
export function isSelected(selector: Selector, child: Peer): boolean {
  const name = selector.slice(2);
  switch (selector[0]) {
    case "g":
      return child.group === name;
    case "d":
      return child.definition === name;
    default:
      return child.identity.startsWith(name);
  }
}

/** A selector in words. */
export function describeSelector(selector: Selector): string {
  const name = JSON.stringify(selector.slice(2));
  if (selector.startsWith("g:")) return `the group ${name}`;
  return selector.startsWith("d:") ? `the definition ${name}` : `names that begin with ${name}`;
}

/** The peers, or undefined when the object names none or several ways; for what a peer sent. */
export function parsePeers(value: object): Peers | undefined {
  const { group, prefix, definition } = value as { [Key in keyof Peers]: unknown };
  const said = Object.entries({ group, prefix, definition }).filter(
    ([, name]) => name !== undefined,
  );
  if (said.length > 1) return undefined;
  if (said.some(([, name]) => typeof name !== "string" || name === "")) return undefined;
  return Object.fromEntries(said) as Peers;
}
