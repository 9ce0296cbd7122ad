/** Every error code of @foundation/foundation. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const foundationErrors = defineErrors({
  ERR_NOT_READY: error<{
    readonly wanted: number;
    readonly found: number;
    readonly withinMs: number;
  }>({
    summary: "The cluster did not reach the number of nodes that ready() waits for.",
    fix: "Start the missing nodes, ask for fewer, or allow more time; health() says what is wrong.",
    retryable: true,
  }),
  ERR_NAME_REQUIRED: error<{ readonly profile: string }>({
    summary: "The production and enterprise profiles need an explicit cluster name.",
    fix: 'Set `name: "my-app"` in the options or the config file, or FOUNDATION_NAME.',
    retryable: false,
  }),
  ERR_PEERS_REQUIRED: error<Record<never, never>>({
    summary: 'The strategy "static" was chosen, and there is no list of peers.',
    fix: 'Set `peers: ["host:port"]` in the options or the config file, or FOUNDATION_PEERS.',
    retryable: false,
  }),
});
