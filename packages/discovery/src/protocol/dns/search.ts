/**
 * The search list: how a short name becomes the names to ask for, as resolv.conf(5) says. Node's resolver asks for names
 * as they are, but the headless service of a pod is known by its short name. Pure.
 */
import { dnsLimits } from "./limits.js";

export interface SearchList {
  readonly domains: readonly string[];
  /** A name with at least so many dots is first asked for as it is. */
  readonly ndots: number;
}

/** What a resolv.conf says of it; what is not understood there is skipped, as every resolver does. */
export function parseSearchList(resolvConf: string): SearchList {
  let domains: readonly string[] = [];
  let ndots = 1;
  for (const line of resolvConf.split("\n")) {
    const [word = "", ...values] = line.trim().split(/\s+/);
    if (word === "search" || word === "domain") domains = values.slice(0, dnsLimits.searchMax);
    if (word !== "options") continue;
    const given = values.map((value) => /^ndots:([0-9]{1,2})$/.exec(value)?.[1]);
    const found = given.find((value) => value !== undefined);
    if (found !== undefined) ndots = Math.min(Number(found), 15);
  }
  return { domains, ndots };
}

/** The names to ask for, in this order, until one exists. A name that ends with a dot is whole. */
export function namesToTry(query: string, { domains, ndots }: SearchList): readonly string[] {
  if (query.endsWith(".")) return [query.slice(0, -1)];
  const longer = domains.map((domain) => `${query}.${domain.replace(/^\.|\.$/g, "")}`);
  const dots = query.split(".").length - 1;
  const names = dots >= ndots ? [query, ...longer] : [...longer, query];
  return [...new Set(names)];
}
