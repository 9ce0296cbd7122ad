/**
 * defineTopic: a topic with a type, equal on every node that imports its definition.
 *
 * What arrives comes from another process, perhaps another version, so the type alone promises
 * nothing; a schema does. Any library with the Standard Schema interface will do
 * (https://standardschema.dev), which is repeated here so that there is no dependency.
 */
import { parseTopic } from "./protocol/topic-name.js";

/** The part of the Standard Schema interface, version 1, that is used. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  };
}

/** What a schema says of a value. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

declare const data: unique symbol;

/** A topic whose messages are of type `T`. */
export interface Topic<T> {
  readonly name: string;
  /** Checks what arrives; what does not pass is dropped, counted and logged once a topic. */
  readonly schema: StandardSchema<T> | undefined;
  /** Only a type: what is published and received. */
  readonly [data]?: (value: T) => T;
}

/**
 * Defines a topic.
 *
 * @param name segments split by ".", at most 512 bytes, without wildcards
 * @param schema validates synchronously; a message it checks asynchronously is dropped
 * @throws {ERR_TOPIC_INVALID}
 *
 * @example
 * ```ts
 * import { defineTopic } from "@foundation/pubsub"
 *
 * export const orderPlaced = defineTopic<{ id: string; cents: number }>("orders.placed")
 * ```
 */
export function defineTopic<T>(name: string, schema?: StandardSchema<T>): Topic<T> {
  parseTopic(name);
  return { name, schema };
}
