/** The manifests of `deploy/`, read, and how they are held against schemas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

const DEPLOY = fileURLToPath(new URL("../../../../deploy/", import.meta.url));

/** The text of a file in `deploy/`. */
export function textOf(path: string): string {
  return readFileSync(join(DEPLOY, path), "utf8");
}

/** Where a file in `deploy/` is. */
export function pathOf(path: string): string {
  return join(DEPLOY, path);
}

/** The documents of a YAML file. @throws {Error} for YAML that is none */
export function documentsOf(path: string): readonly Record<string, unknown>[] {
  return parseAllDocuments(textOf(path)).map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() as Record<string, unknown>;
  });
}

/**
 * Validates, and gives the fields that the validator never looked at: those a schema does not know. Kubernetes' schemas
 * let unknown fields pass, its API server with strict validation does not, and a misspelt field is the usual mistake.
 */
export function unknownFields(object: object, validate: (watched: object) => void): string[] {
  const seen = new Set<string>();
  validate(watched(object, "", seen));
  return pathsOf(object, "").filter((path) => !seen.has(path));
}

function watched(object: object, path: string, seen: Set<string>): object {
  return new Proxy(object, {
    get(target, key, receiver) {
      const value: unknown = Reflect.get(target, key, receiver);
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return value;
      const at = `${path}/${key}`;
      seen.add(at);
      return typeof value === "object" && value !== null ? watched(value, at, seen) : value;
    },
  });
}

function pathsOf(value: object, path: string): string[] {
  return Object.entries(value).flatMap(([key, child]) => {
    const at = `${path}/${key}`;
    const below = typeof child === "object" && child !== null ? pathsOf(child, at) : [];
    return [at, ...below];
  });
}

/** The variables of a container: what is written down, and a stand-in for what the cluster fills in. */
export function variablesOf(container: {
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}): Record<string, string> {
  const standIns: Record<string, string> = {
    FOUNDATION_ADVERTISE: "10.0.0.7",
    FOUNDATION_NODE_NAME: "shop-0",
    FOUNDATION_SECRET: "a secret of at least thirty-two characters",
  };
  return Object.fromEntries(
    (container.env ?? []).map(({ name, value }) => [name, value ?? standIns[name] ?? ""]),
  );
}
