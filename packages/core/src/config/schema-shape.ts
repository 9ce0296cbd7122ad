/**
 * The shape of a valibot schema: which options it knows, at which path.
 *
 * Why read it ourselves: valibot's strict objects name only the first unknown key and cannot suggest
 * the right one, and merging has to know where an object is a group of options (merge) and where it
 * is one value (replace). Wrappers (optional, nullable, pipe, lazy) are looked through; alternatives
 * (union, variant) are taken together.
 */
import { getMetadata, type GenericSchema } from "valibot";
import { configLimits } from "./limits.js";

/** What a schema may tell about its option through `v.metadata({ … })`. */
export interface OptionMetadata {
  /** The value is never shown, neither in an error nor by `explain()`. */
  readonly secret?: boolean;
  /** What to do about a wrong value, as a sentence. */
  readonly fix?: string;
}

/** Only the parts of valibot's schemas that are read here; each schema has some of them. */
interface AnySchema {
  readonly type: string;
  readonly entries?: Readonly<Record<string, GenericSchema>>;
  readonly rest?: GenericSchema;
  readonly options?: readonly unknown[];
  readonly wrapped?: GenericSchema;
  readonly item?: GenericSchema;
  readonly items?: readonly GenericSchema[];
  readonly value?: unknown;
  readonly getter?: (input: unknown) => GenericSchema;
}

/** All alternatives of one option, wrappers included. */
export class Shape {
  readonly #schemas: readonly GenericSchema[];

  private constructor(schemas: readonly GenericSchema[]) {
    this.#schemas = schemas;
  }

  /** The shape of the given alternatives. */
  static of(...alternatives: readonly GenericSchema[]): Shape {
    const seen = new Set<GenericSchema>();
    const visit = (schema: GenericSchema): void => {
      if (seen.has(schema)) return;
      seen.add(schema);
      const { type, wrapped, options, getter } = schema as unknown as AnySchema;
      if (wrapped !== undefined) visit(wrapped);
      if (type === "lazy" && getter !== undefined) visit(getter(undefined));
      if (type === "union" || type === "variant" || type === "intersect") {
        for (const option of options ?? []) visit(option as GenericSchema);
      }
    };
    for (const schema of alternatives) visit(schema);
    return new Shape([...seen]);
  }

  /** True when an object here is a group of options, and not one value. */
  get isGroup(): boolean {
    return this.#read().some(({ entries, type }) => entries !== undefined || type === "record");
  }

  /** True when the only object allowed here is a group of options: no list, no instance. */
  get isOnlyGroup(): boolean {
    const takesOthers = this.#read().some(
      ({ type, entries }) => entries === undefined && !NO_OTHER_OBJECT.has(type),
    );
    return this.isGroup && !takesOthers;
  }

  /** The options known here. */
  get known(): readonly string[] {
    return [...new Set(this.#read().flatMap(({ entries }) => Object.keys(entries ?? {})))];
  }

  /** True when any name is allowed here: a record, or an object that says so. */
  get isOpen(): boolean {
    return this.#read().some(({ type }) => OPEN.has(type));
  }

  get metadata(): OptionMetadata {
    const all = this.#schemas.map((schema) => getMetadata(schema) as OptionMetadata);
    return Object.assign({}, ...all) as OptionMetadata;
  }

  /** The shape of an option, or undefined when nothing is known about that name. */
  child(key: string): Shape | undefined {
    const found: GenericSchema[] = [];
    for (const { entries, rest, type, item, items, value } of this.#read()) {
      const entry = entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : rest;
      if (entry !== undefined) found.push(entry);
      if (type === "record") found.push(value as GenericSchema);
      if (item !== undefined) found.push(item);
      if (items?.[Number(key)] !== undefined) found.push(items[Number(key)] as GenericSchema);
    }
    return found.length === 0 ? undefined : Shape.of(...found);
  }

  /** The shape at a path, as far as it is known. */
  at(path: readonly string[]): Shape | undefined {
    const [key, ...rest] = path;
    return key === undefined ? this : this.child(key)?.at(rest);
  }

  /** Paths of all options below here, e.g. `security.tls.cert`; a record's names are not listed. */
  paths(depth = 0): readonly string[] {
    if (depth >= configLimits.depthMax) return [];
    return this.known.flatMap((key) => {
      const below = this.child(key)?.paths(depth + 1) ?? [];
      return [key, ...below.map((path) => `${key}.${path}`)];
    });
  }

  #read(): readonly AnySchema[] {
    return this.#schemas as unknown as readonly AnySchema[];
  }
}

/** Schemas that take no object but a group: plain values, and wrappers around what is seen itself. */
const NO_OTHER_OBJECT = new Set([
  ...["string", "number", "boolean", "bigint", "null", "undefined", "literal", "picklist", "enum"],
  ...["optional", "exact_optional", "undefinedable", "nullable", "nullish", "lazy", "record"],
  ...["non_optional", "non_nullable", "non_nullish", "union", "variant", "intersect", "never"],
]);

const OPEN = new Set(["record", "loose_object", "object_with_rest", "any", "unknown", "custom"]);

/** An object written as `{ … }` or read from JSON; an instance of a class is one value. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a test runner, a worker) has a prototype whose prototype is null.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
