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
  ERR_RESTART_REQUIRED: error<{
    readonly paths: readonly string[];
    readonly changeable: readonly string[];
  }>({
    summary: "reconfigure() was asked to change an option that is fixed when a node starts.",
    fix: "Change details.paths where the node reads its configuration, and restart it; details.changeable can be changed at once.",
    retryable: false,
  }),
  ERR_CONSENSUS_NOT_CONFIGURED: error<{ readonly profile: string }>({
    summary: "Something was asked that needs consensus, and no voters are configured.",
    fix: "Set `consensus: { voters: [...] }` to the names of three or five nodes, the same on every node, or FOUNDATION_VOTERS.",
    retryable: false,
  }),
  ERR_VOTER_WITHOUT_DISK: error<{ readonly node: string }>({
    summary: "A node is listed in consensus.voters and has no place to keep what it votes for.",
    fix: "Set `dataDir` to a folder that is kept across restarts, or take the node off the list.",
    retryable: false,
  }),
  ERR_ANSWER_NOT_UNDERSTOOD: error<{ readonly node: string; readonly id: string }>({
    summary: "Another node answered in a way that this version does not understand.",
    fix: "Bring both nodes to the same version.",
    retryable: false,
  }),
});
