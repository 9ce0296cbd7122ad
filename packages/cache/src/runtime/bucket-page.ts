/**
 * BucketPage: one page of what another node holds of a bucket, and what may be believed of such an answer.
 *
 * Invariant: whoever walks from page to page comes to an end, whatever the other node answers: each page goes on behind the
 * one before, and after `limits.bucketPagesMax` pages nothing of that node is taken.
 */
import { parseItem, parseVersion, type Item } from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { newerOf, NO_VERSION, type Version } from "../protocol/version.js";
import { fields } from "./keeper.js";

export interface BucketPage {
  readonly items: readonly Item[];
  /** The key to go on after; null: that was all. */
  readonly next: string | null;
  readonly floor: Version;
  readonly deleted: Version;
}

/** Every version in it. */
export function versionsOf({ items, floor, deleted }: BucketPages): Version[] {
  return [...Array.from(items.values(), ({ version }) => version), floor, deleted];
}

/** All pages of a bucket. */
export interface BucketPages {
  readonly items: ReadonlyMap<string, Item>;
  readonly floor: Version;
  /** As `Replica.deleted`. */
  readonly deleted: Version;
}

/** Undefined: it is none, goes back, or has items of other buckets. */
export function parsePage(reply: unknown, bucket: number, after: string): BucketPage | undefined {
  const [type, wires, next, wireFloor, wireDeleted] = fields(reply);
  const floor = parseVersion(wireFloor);
  if (type !== "page" || !Array.isArray(wires) || floor === undefined) return undefined;
  if (next !== null && (typeof next !== "string" || next <= after)) return undefined;
  const items: Item[] = [];
  for (const wire of wires as unknown[]) {
    const item = parseItem(wire);
    if (item === undefined) continue;
    if (bucketOf(item.key) !== bucket) return undefined;
    items.push(item);
  }
  // Nodes of earlier versions do not say.
  return { items, next, floor, deleted: parseVersion(wireDeleted) ?? NO_VERSION };
}

/**
 * Asks for page after page until the last, which `ask` is given the key to go on after. What it answered instead of a
 * page, if it did; undefined for what is no page, or too many.
 */
export async function allPages(
  bucket: number,
  pagesMax: number,
  ask: (after: string) => Promise<unknown>,
): Promise<BucketPages | { readonly refusal: unknown }> {
  const items = new Map<string, Item>();
  let floor = NO_VERSION;
  let deleted = NO_VERSION;
  let after = "";
  for (let pages = 0; pages < pagesMax; pages++) {
    const reply = await ask(after);
    const page = parsePage(reply, bucket, after);
    if (page === undefined) return { refusal: fields(reply)[0] };
    for (const item of page.items) items.set(item.key, item);
    floor = newerOf(floor, page.floor);
    deleted = newerOf(deleted, page.deleted);
    if (page.next === null) return { items, floor, deleted };
    after = page.next;
  }
  return { refusal: "page" };
}
