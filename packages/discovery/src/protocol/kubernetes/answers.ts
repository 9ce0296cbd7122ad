/**
 * The API's answers, read: pages of a list, lines of a watch, and `Status`, in which it says no.
 *
 * Pure. Each object is reduced at once to what it says about peers, so that neither pages nor a watch keep
 * the JSON. Invariant: what is not the kind that was asked for is malformed, never an empty list; an empty
 * list would mean that everybody has left.
 */
import {
  listOf,
  MalformedObject,
  readIdentity,
  readObject,
  recordOf,
  textOf,
  type EndpointRules,
  type KubernetesObject,
  type WatchedResource,
} from "./endpoint-rules.js";

/** One answer to a list. */
export interface ListPage {
  readonly resourceVersion: string;
  /** Names the next page; undefined with the last. */
  readonly next: string | undefined;
  readonly objects: readonly KubernetesObject[];
}

/** One line of a watch. */
export type WatchEvent =
  | { readonly type: "put"; readonly object: KubernetesObject }
  | { readonly type: "removed"; readonly key: string; readonly resourceVersion: string }
  | { readonly type: "bookmark"; readonly resourceVersion: string }
  | { readonly type: "error"; readonly status: ApiStatus };

/** The API's `Status`: what it says when it does not do what was asked. */
export interface ApiStatus {
  readonly code: number;
  /** e.g. `Forbidden`, `Expired`; empty where it says none. */
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

const KINDS = {
  endpoints: { kind: "EndpointSlice", apiVersion: "discovery.k8s.io/v1" },
  pods: { kind: "Pod", apiVersion: "v1" },
} as const;

/**
 * Reads one page of a list.
 *
 * @throws {MalformedObject} for JSON of another kind
 */
export function readPage(resource: WatchedResource, json: unknown, rules: EndpointRules): ListPage {
  const page = recordOf(json, "the answer");
  expectKind(page, `${KINDS[resource].kind}List`, KINDS[resource].apiVersion);
  const metadata = recordOf(page["metadata"], "metadata");
  const resourceVersion = textOf(metadata["resourceVersion"]) ?? "";
  if (resourceVersion === "") throw new MalformedObject("the list has no resourceVersion");
  const next = textOf(metadata["continue"]);
  const objects = listOf(page["items"], "items").map((each) => readObject(resource, each, rules));
  return { resourceVersion, next: next === "" ? undefined : next, objects };
}

/**
 * Reads one line of a watch.
 *
 * @throws {MalformedObject} for a line that is no event
 */
export function readEvent(
  resource: WatchedResource,
  json: unknown,
  rules: EndpointRules,
): WatchEvent {
  const event = recordOf(json, "the event");
  const object = recordOf(event["object"], "the event's object");
  const type = event["type"];
  if (type === "ERROR") return { type: "error", status: readStatus(object, 500) };
  if (type === "BOOKMARK") {
    const metadata = recordOf(object["metadata"], "metadata");
    const resourceVersion = textOf(metadata["resourceVersion"]) ?? "";
    if (resourceVersion === "") throw new MalformedObject("a bookmark without resourceVersion");
    return { type: "bookmark", resourceVersion };
  }
  if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") {
    throw new MalformedObject(`an event of type ${String(type).slice(0, 40)}`);
  }
  expectKind(object, KINDS[resource].kind, KINDS[resource].apiVersion);
  if (type !== "DELETED") return { type: "put", object: readObject(resource, object, rules) };
  const { key, resourceVersion } = readIdentity(object);
  return { type: "removed", key, resourceVersion };
}

/**
 * Reads a `Status`. Never throws: a proxy in between may answer an error with anything.
 *
 * @param code the HTTP status, where the body has none
 */
export function readStatus(json: unknown, code: number, text = ""): ApiStatus {
  const isRecord = typeof json === "object" && json !== null && !Array.isArray(json);
  const status = (isRecord ? json : {}) as Readonly<Record<string, unknown>>;
  const details = status["details"];
  const seconds =
    typeof details === "object" && details !== null
      ? (details as Readonly<Record<string, unknown>>)["retryAfterSeconds"]
      : undefined;
  const own = status["code"];
  return {
    code: typeof own === "number" && Number.isInteger(own) ? own : code,
    reason: textOf(status["reason"]) ?? "",
    message: textOf(status["message"]) ?? text,
    retryAfterMs: typeof seconds === "number" && seconds > 0 ? seconds * 1_000 : undefined,
  };
}

function expectKind(
  object: Readonly<Record<string, unknown>>,
  kind: string,
  apiVersion: string,
): void {
  if (object["kind"] === kind && object["apiVersion"] === apiVersion) return;
  const found = `${String(object["apiVersion"])} ${String(object["kind"])}`.slice(0, 80);
  throw new MalformedObject(`${found} instead of ${apiVersion} ${kind}`);
}
