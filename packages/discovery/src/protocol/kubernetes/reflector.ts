/**
 * Reflector: keeps a copy of one list of the API by list and watch
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
 *
 * Pure: what the API answered goes in, what changed and the one thing to do next come out. It lists in
 * pages, watches from the list's version on, goes on from the last version seen when a watch ends, and
 * lists again only when the server no longer has that version (410 Gone).
 *
 * Invariants: a list counts when all its pages are there; until then, and whatever fails, the copy stays as it is. A list
 * that is older than what was seen (a server that lags), or suddenly empty, is refused a few times: were it the base of a
 * watch, the next change would be taken for all there is. After every input exactly one effect says what to do next.
 * Failures in a row pause ever longer, also when lists succeed and watches do not; only a watch that says something, or
 * lasts, ends the row.
 */
import type { KubernetesObject } from "./endpoint-rules.js";
import type { ListPage, WatchEvent } from "./answers.js";
import { kubernetesLimits } from "./limits.js";

export type ReflectorInput =
  | { readonly type: "start" }
  | { readonly type: "page"; readonly page: ListPage }
  | { readonly type: "watching" }
  | { readonly type: "event"; readonly event: WatchEvent }
  /** The watch ended without an error: its time was over, or the server stopped. */
  | { readonly type: "ended" }
  | {
      readonly type: "failed";
      /** What of the copy is in doubt: the server no longer has the version, or an event was lost. */
      readonly because: "gone" | "lost" | "failed";
      readonly retryAfterMs?: number | undefined;
    }
  /** The pause is over. */
  | { readonly type: "rested" };

/** What to do next, or what changed in the copy. */
export type ReflectorEffect =
  | { readonly type: "list"; readonly next: string | undefined; readonly limit: number | undefined }
  | { readonly type: "watch"; readonly resourceVersion: string }
  | { readonly type: "pause"; readonly ms: number }
  /** The watch is to be left as it is. */
  | { readonly type: "stay" }
  | { readonly type: "put"; readonly object: KubernetesObject }
  | { readonly type: "remove"; readonly key: string }
  /** The copy is whole: a list has ended. */
  | { readonly type: "listed" };

/** Why a page is not taken. */
export interface Objection {
  readonly type: "too-long" | "stale" | "empty";
  readonly reason: string;
}

/** Follows one list; see the module. */
export class Reflector {
  #known = new Set<string>();
  #staged: KubernetesObject[] = [];
  #pages = 0;
  /** Where a watch goes on; undefined: list first. */
  #version: string | undefined;
  #failures = 0;
  #inOnePiece = false;
  /** A version was gone, and no watch has said anything since. */
  #wasGone = false;
  /** The newest version ever seen. */
  #newest = "";
  /** How many lists in a row were refused. */
  #doubts = 0;
  #watchingSinceMs: number | undefined;

  /** Takes what happened; the effects say what changed and, last, what to do. */
  handle(input: ReflectorInput, nowMs: number): readonly ReflectorEffect[] {
    switch (input.type) {
      case "start":
      case "rested":
        return [this.#next()];
      case "page":
        return this.#page(input.page);
      case "watching":
        this.#watchingSinceMs = nowMs;
        return [{ type: "stay" }];
      case "event":
        return this.#event(input.event);
      case "ended":
        return [this.#ended(nowMs)];
      case "failed":
        return [this.#failed(input.because, input.retryAfterMs, nowMs)];
      default:
        return input satisfies never;
    }
  }

  #next(): ReflectorEffect {
    this.#watchingSinceMs = undefined;
    if (this.#version !== undefined) {
      return { type: "watch", resourceVersion: this.#version };
    }
    this.#staged = [];
    this.#pages = 0;
    return this.#list(undefined);
  }

  #list(next: string | undefined): ReflectorEffect {
    return {
      type: "list",
      next,
      limit: this.#inOnePiece ? undefined : kubernetesLimits.pageObjects,
    };
  }

  #page({ objects, next, resourceVersion }: ListPage): readonly ReflectorEffect[] {
    for (const object of objects) this.#staged.push(object);
    this.#pages += 1;
    if (next !== undefined) return [this.#list(next)];
    const effects: ReflectorEffect[] = [];
    const listed = new Set(this.#staged.map(({ key }) => key));
    for (const key of this.#known) if (!listed.has(key)) effects.push({ type: "remove", key });
    for (const object of this.#staged) effects.push({ type: "put", object });
    this.#known = listed;
    this.#staged = [];
    this.#inOnePiece = false;
    this.#doubts = 0;
    this.#version = resourceVersion;
    this.#newest = resourceVersion;
    effects.push({ type: "listed" }, this.#next());
    return effects;
  }

  /**
   * What is wrong with this page of the list that was asked for; undefined: it may be taken. Who is refused too often is
   * believed in the end: a cluster may have been restored from a backup, and a service may have lost everybody.
   */
  objection(page: ListPage): Objection | undefined {
    const { objectsMax, pagesMax, doubtsMax } = kubernetesLimits;
    const isEndless = page.next !== undefined && this.#pages + 1 >= pagesMax;
    if (isEndless || this.#staged.length + page.objects.length > objectsMax) {
      const reason = `the list is longer than ${objectsMax} objects or ${pagesMax} pages`;
      return { type: "too-long", reason };
    }
    const doubt = this.#doubt(page);
    if (doubt === undefined || this.#doubts >= doubtsMax) return undefined;
    this.#doubts += 1;
    return doubt;
  }

  #doubt(page: ListPage): Objection | undefined {
    if (isOlder(page.resourceVersion, this.#newest)) {
      const reason = `the list is of version ${page.resourceVersion}, older than ${this.#newest}`;
      return { type: "stale", reason };
    }
    const isEmpty = this.#staged.length + page.objects.length === 0 && page.next === undefined;
    if (!isEmpty || this.#known.size === 0) return undefined;
    return { type: "empty", reason: `the list is empty, where ${this.#known.size} were known` };
  }

  #event(event: WatchEvent): readonly ReflectorEffect[] {
    switch (event.type) {
      case "put":
        this.#progress(event.object.resourceVersion);
        return this.#put(event.object);
      case "removed":
        this.#progress(event.resourceVersion);
        this.#known.delete(event.key);
        return [{ type: "remove", key: event.key }, { type: "stay" }];
      case "bookmark":
        this.#progress(event.resourceVersion);
        return [{ type: "stay" }];
      case "error":
        // The shell makes a failure of it, which it also reports.
        return [{ type: "stay" }];
      default:
        return event satisfies never;
    }
  }

  /** Beyond the limit a newcomer is left out; the next list is refused, and says so. */
  #put(object: KubernetesObject): readonly ReflectorEffect[] {
    const isFull = this.#known.size >= kubernetesLimits.objectsMax;
    if (isFull && !this.#known.has(object.key)) return [{ type: "stay" }];
    this.#known.add(object.key);
    return [{ type: "put", object }, { type: "stay" }];
  }

  #progress(resourceVersion: string): void {
    this.#version = resourceVersion;
    this.#newest = resourceVersion;
    this.#failures = 0;
    this.#wasGone = false;
  }

  #ended(nowMs: number): ReflectorEffect {
    if (this.#hasLasted(nowMs)) {
      this.#failures = 0;
      this.#wasGone = false;
      return this.#next();
    }
    return this.#pause(undefined);
  }

  #failed(
    because: "gone" | "lost" | "failed",
    retryAfterMs: number | undefined,
    nowMs: number,
  ): ReflectorEffect {
    if (this.#hasLasted(nowMs)) {
      this.#failures = 0;
      this.#wasGone = false;
    }
    this.#watchingSinceMs = undefined;
    // A page that has expired: the next list comes in one piece, which cannot expire half-way.
    if (because === "gone" && this.#version === undefined) this.#inOnePiece = true;
    if (because !== "failed") this.#version = undefined;
    // The first time it is what happens to a watch that was away for long; then it goes in circles.
    if (because === "gone" && !this.#wasGone) {
      this.#wasGone = true;
      this.#failures = Math.max(1, this.#failures);
      return this.#next();
    }
    return this.#pause(retryAfterMs);
  }

  #hasLasted(nowMs: number): boolean {
    const sinceMs = this.#watchingSinceMs;
    return sinceMs !== undefined && nowMs - sinceMs >= kubernetesLimits.shortWatchMs;
  }

  #pause(retryAfterMs = 0): ReflectorEffect {
    const { pauseMinMs, pauseMaxMs, retryAfterMaxMs } = kubernetesLimits;
    const ownMs = Math.min(pauseMaxMs, pauseMinMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return { type: "pause", ms: Math.max(ownMs, Math.min(retryAfterMs, retryAfterMaxMs)) };
  }
}

/** True for versions that are numbers, as etcd's are, and where the first is the smaller one. */
function isOlder(a: string, b: string): boolean {
  if (!/^[0-9]{1,20}$/.test(a) || !/^[0-9]{1,20}$/.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
