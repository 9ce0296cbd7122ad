/**
 * FakeKubernetes: an API server in memory that lists and watches EndpointSlices and pods as a real one
 * does: versions, pages that expire, bookmarks, 410 Gone, selectors, tokens and RBAC.
 *
 * `answer` takes one request and gives one answer whose body comes as it is written, so that it serves in
 * virtual time as it is, and over HTTPS through `serveFakeKubernetes`.
 */
import type { Clock } from "@foundation/core";
import { fitsSelector, type FakeObject } from "./fake-objects.js";
import { FakeStore, type Change, type StoredObject } from "./fake-store.js";

export interface FakeRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The bearer token. */
  readonly token: string | undefined;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<string>;
}

/** How the server fails, whoever asks. */
export type FakeOutage =
  | { readonly type: "status"; readonly code: number; readonly retryAfterS?: number }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "hang" }
  | { readonly type: "cut" }
  /** Lists are empty. */
  | { readonly type: "empty" }
  /** Lists end after their first page with an error. */
  | { readonly type: "partial" }
  /** Lists are those of an older version. */
  | { readonly type: "stale"; readonly version: number };

export interface FakeKubernetesOptions {
  readonly clock: Clock;
  /** A bookmark this often, for watches that allow them. @default 60 000 */
  readonly bookmarkMs?: number;
}

const GROUPS = [
  {
    path: /^\/apis\/discovery\.k8s\.io\/v1(?:\/namespaces\/([^/]+))?\/endpointslices$/,
    kind: "EndpointSlice",
    apiVersion: "discovery.k8s.io/v1",
    plural: "endpointslices",
    group: "discovery.k8s.io",
  },
  {
    path: /^\/api\/v1(?:\/namespaces\/([^/]+))?\/pods$/,
    kind: "Pod",
    apiVersion: "v1",
    plural: "pods",
    group: "",
  },
] as const;

interface Asked {
  readonly kind: "EndpointSlice" | "Pod";
  readonly apiVersion: string;
  readonly plural: string;
  readonly group: string;
  readonly namespace: string | undefined;
  readonly query: URLSearchParams;
}

const ACCOUNT = "system:serviceaccount:shop:default";

/** The API server; see the module. */
export class FakeKubernetes {
  readonly store = new FakeStore();
  /** Token → user. */
  readonly tokens = new Map<string, string>([["token-1", ACCOUNT]]);
  /** `verb resource namespace` that is refused, e.g. `watch pods shop`; `*` stands for all namespaces. */
  readonly forbidden = new Set<string>();
  /** Namespaces for which no answer comes. */
  readonly silent = new Set<string>();
  /** Every request so far, as `list /path` or `watch /path`. */
  readonly requests: string[] = [];
  /** How many watches are open. */
  watching = 0;
  readonly #clock: Clock;
  readonly #bookmarkMs: number;
  #outage: FakeOutage | undefined;
  #cuts = new AbortController();

  constructor({ clock, bookmarkMs = 60_000 }: FakeKubernetesOptions) {
    this.#clock = clock;
    this.#bookmarkMs = bookmarkMs;
  }

  /** Creates or replaces. */
  put(object: FakeObject): StoredObject {
    return this.store.put(object);
  }

  /** Fails so from now on; undefined ends it. Open watches are cut. */
  fail(outage: FakeOutage | undefined): void {
    this.#outage = outage;
    this.cut();
  }

  /** Cuts every open watch, as a server that is restarted. */
  cut(): void {
    this.#cuts.abort();
    this.#cuts = new AbortController();
  }

  /** Answers one request. Rejects when the connection is cut, or the signal fires first. */
  async answer(request: FakeRequest, signal: AbortSignal): Promise<FakeAnswer> {
    const [path = "", search = ""] = request.url.split("?", 2);
    const query = new URLSearchParams(search);
    const verb = isTrue(query.get("watch")) ? "watch" : "list";
    this.requests.push(`${verb} ${request.url}`);
    const outage = await this.#outageFor(query, signal);
    if (outage !== undefined) return outage;
    if (request.method !== "GET") return failure(405, "MethodNotAllowed", "only GET is served");
    const user = this.tokens.get(request.token ?? "");
    if (user === undefined) return failure(401, "Unauthorized", "Unauthorized");
    const asked = askedOf(path, query);
    if (asked === undefined) {
      return failure(404, "NotFound", "the server could not find the requested resource");
    }
    const { plural, group, namespace } = asked;
    if (this.silent.has(namespace ?? "*")) await this.#hang(signal);
    if (this.forbidden.has(`${verb} ${plural} ${namespace ?? "*"}`)) {
      const where =
        namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
      const what = `cannot ${verb} resource "${plural}" in API group "${group}" ${where}`;
      const name = group === "" ? plural : `${plural}.${group}`;
      return failure(403, "Forbidden", `${name} is forbidden: User "${user}" ${what}`);
    }
    try {
      fitsSelector({}, query.get("labelSelector") ?? "");
    } catch (error) {
      return failure(400, "BadRequest", (error as Error).message);
    }
    return verb === "watch" ? this.#watch(asked, signal) : this.#list(asked);
  }

  async #outageFor(query: URLSearchParams, signal: AbortSignal): Promise<FakeAnswer | undefined> {
    const outage = this.#outage;
    const isWatch = isTrue(query.get("watch"));
    switch (outage?.type) {
      case undefined:
        return undefined;
      case "status": {
        const header = outage.retryAfterS;
        const answer = failure(outage.code, "Outage", "the server is out of order");
        const headers = header === undefined ? {} : { "retry-after": String(header) };
        return { ...answer, headers: { ...answer.headers, ...headers } };
      }
      case "text":
        return { status: 200, headers: { "content-type": "text/html" }, body: once(outage.text) };
      case "hang":
        return this.#hang(signal);
      case "cut":
        throw cut();
      case "empty":
      case "stale":
        return isWatch ? failure(410, "Expired", "too old resource version") : undefined;
      case "partial":
        if (isWatch) return failure(410, "Expired", "too old resource version");
        if (query.has("continue"))
          return failure(500, "InternalError", "etcdserver: request timed out");
        query.set("limit", "1");
        return undefined;
      default:
        return outage satisfies never;
    }
  }

  /** No answer, until the connection ends. */
  #hang(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(cut()), { once: true });
      this.#cuts.signal.addEventListener("abort", () => reject(cut()), { once: true });
    });
  }

  #list(asked: Asked): FakeAnswer {
    const { kind, apiVersion, query } = asked;
    const token = query.get("continue");
    const limit = Number(query.get("limit") ?? 0);
    const outage = this.#outage;
    const old = outage?.type === "stale" ? outage.version : this.store.version;
    const [version = old, after = ""] = token === null ? [] : continued(token);
    const all = this.store.list(version);
    if (all === undefined) {
      const message =
        "The provided continue parameter is too old to display a consistent list result.";
      return failure(410, "Expired", message);
    }
    const fitting = outage?.type === "empty" ? [] : all.filter((each) => fits(each, asked));
    const left = fitting.filter((each) => nameOf(each) > after);
    const items = limit > 0 ? left.slice(0, limit) : left;
    const last = items.at(-1);
    const metadata = {
      resourceVersion: String(version),
      ...(items.length < left.length &&
        last !== undefined && {
          continue: Buffer.from(JSON.stringify([version, nameOf(last)])).toString("base64url"),
          // Not told with a selector, says the API.
          ...(!query.has("labelSelector") && { remainingItemCount: left.length - items.length }),
        }),
    };
    // Items have neither kind nor apiVersion: Go leaves out what the list already says.
    const bare = items.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest);
    return json(200, { kind: `${kind}List`, apiVersion, metadata, items: bare });
  }

  #watch(asked: Asked, signal: AbortSignal): FakeAnswer {
    const { query } = asked;
    const from = Number(query.get("resourceVersion") ?? "0");
    const body = this.#events(asked, from === 0 ? this.store.version : from, signal);
    return { status: 200, headers: { "content-type": "application/json" }, body };
  }

  async *#events(asked: Asked, from: number, signal: AbortSignal): AsyncGenerator<string> {
    const { kind, apiVersion, query } = asked;
    const cuts = this.#cuts.signal;
    const endMs = this.#clock.now() + 1_000 * Number(query.get("timeoutSeconds") ?? "1800");
    const bookmarks = isTrue(query.get("allowWatchBookmarks"));
    let bookmarkMs = this.#clock.now() + this.#bookmarkMs;
    let version = from;
    this.watching += 1;
    try {
      for (;;) {
        if (signal.aborted || cuts.aborted) throw cut();
        const changes = this.store.since(version);
        if (changes === undefined) {
          const message = `too old resource version: ${version} (${this.store.compacted})`;
          yield line("ERROR", status(410, "Expired", message));
          return;
        }
        version = Math.max(version, this.store.version);
        const events = changes.flatMap((change) => eventOf(change, asked));
        if (events.length > 0) yield events.join("");
        const nowMs = this.#clock.now();
        if (nowMs >= endMs) return;
        if (bookmarks && nowMs >= bookmarkMs) {
          bookmarkMs = nowMs + this.#bookmarkMs;
          const metadata = { resourceVersion: String(version), creationTimestamp: null };
          yield line("BOOKMARK", { kind, apiVersion, metadata, ...emptyOf(kind) });
        }
        if (this.store.version > version) continue;
        await this.#next(Math.min(endMs, bookmarks ? bookmarkMs : endMs), [signal, cuts]);
      }
    } finally {
      this.watching -= 1;
    }
  }

  /** Waits for a change, a time or the end of the connection. */
  async #next(atMs: number, ends: readonly AbortSignal[]): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        unlisten();
        for (const end of ends) end.removeEventListener("abort", wake);
        resolve();
      };
      const timer = this.#clock.setTimer(Math.max(0, atMs - this.#clock.now()), wake);
      const unlisten = this.store.listen(wake);
      for (const end of ends) end.addEventListener("abort", wake, { once: true });
      if (ends.some((end) => end.aborted)) wake();
    });
  }
}

function askedOf(path: string, query: URLSearchParams): Asked | undefined {
  for (const { path: form, ...rest } of GROUPS) {
    const match = form.exec(path);
    if (match !== null) return { ...rest, namespace: match[1], query };
  }
  return undefined;
}

function fits(object: StoredObject | undefined, { kind, namespace, query }: Asked): boolean {
  if (object === undefined || object.kind !== kind) return false;
  if (namespace !== undefined && object.metadata.namespace !== namespace) return false;
  return fitsSelector(object.metadata.labels ?? {}, query.get("labelSelector") ?? "");
}

/** What a change means for a watch: who no longer fits its selector is deleted for it. */
function eventOf({ before, after, version }: Change, asked: Asked): readonly string[] {
  const [was, is] = [fits(before, asked), fits(after, asked)];
  if (is) return [line(was ? "MODIFIED" : "ADDED", after)];
  if (!was || before === undefined) return [];
  const metadata = { ...before.metadata, resourceVersion: String(version) };
  return [line("DELETED", { ...before, metadata })];
}

function emptyOf(kind: string): object {
  return kind === "Pod"
    ? { spec: { containers: null }, status: {} }
    : { addressType: "", endpoints: null };
}

function nameOf({ metadata: { namespace, name } }: StoredObject): string {
  return `${namespace}/${name}`;
}

function continued(token: string): [number, string] {
  return JSON.parse(Buffer.from(token, "base64url").toString()) as [number, string];
}

function isTrue(text: string | null): boolean {
  return text === "1" || text === "true";
}

function line(type: string, object: unknown): string {
  return `${JSON.stringify({ type, object })}\n`;
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function json(code: number, value: unknown): FakeAnswer {
  const headers = { "content-type": "application/json" };
  return { status: code, headers, body: once(JSON.stringify(value)) };
}

function status(code: number, reason: string, message: string): object {
  const head = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure" };
  return { ...head, message, reason, details: {}, code };
}

function failure(code: number, reason: string, message: string): FakeAnswer {
  return json(code, status(code, reason, message));
}

function cut(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}
