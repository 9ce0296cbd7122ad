/** Every error code of @foundation/registry. docs/errors.md is generated from here. */
import { defineErrors, error } from "@foundation/core";

export const registryErrors = defineErrors({
  ERR_NAME_TAKEN: error<{
    readonly name: string;
    readonly holder: {
      readonly node: string;
      readonly boot: string;
      /** Undefined while the holder is being started on its node. */
      readonly serial: number | undefined;
    };
    readonly definition: string | undefined;
  }>({
    summary: "Another process already runs under the name.",
    fix: 'Use cluster.process(definition, name), or start with { ifRunning: "return" }.',
    retryable: false,
  }),
  ERR_NAME_INVALID: error<{ readonly name: string; readonly reason: string }>({
    summary: "A name is empty, too long, or begins with the reserved sign $.",
    fix: "Use a name of 1 to 255 bytes of UTF-8 that does not begin with $.",
    retryable: false,
  }),
  ERR_NOT_HOLDER: error<{ readonly name: string; readonly holder: string | undefined }>({
    summary: "What is kept beside a name was to be changed on a node that does not hold the name.",
    fix: "Update it on the node where its process runs, or register the process again from anywhere.",
    retryable: false,
  }),
  ERR_NO_CANDIDATE: error<{
    readonly name: string;
    readonly reason: string;
    readonly nodes?: readonly { readonly node: string; readonly why: string }[];
  }>({
    summary: "Nodes define the process, but none of them may run it under the given constraints.",
    fix: "Relax `on` or `constraints`, or wait until a node that meets them is up and not draining.",
    retryable: true,
  }),
  ERR_NAME_STORE_REQUIRED: error<{ readonly name: string }>({
    summary: "A strong process was to be started on a node that has no store of names.",
    fix: "Pass `nameStore` to createRegistry; in a cluster, configure `consensus: { voters }`.",
    retryable: false,
  }),
  ERR_QUORUM_REQUIRED: error<{ readonly name: string }>({
    summary: "A quorum-guarded process was to be started where nothing says what a quorum is.",
    fix: "Pass `roster` or `expect` (the nodes that belong to the cluster, or their number).",
    retryable: false,
  }),
  ERR_MINORITY_SIDE: error<{ readonly name: string; readonly reason: string }>({
    summary:
      "This side of a cut has no quorum, so the process may not run or be reached here. Nothing ran.",
    fix: "Try again when the cut has healed, or ask a node of the other side.",
    retryable: true,
  }),
  ERR_CONTRACT_MISMATCH: error<{
    readonly name: string;
    readonly definition: string;
    readonly node: string;
    readonly difference: string;
  }>({
    summary: "Two nodes have different definitions of one name and version. Nothing was sent.",
    fix: "Deploy the same definition everywhere, or raise the version of the one that changed.",
    retryable: false,
  }),
  ERR_NOT_MOVED: error<{
    readonly process: string;
    readonly to: string;
    readonly reason:
      | "same-node"
      | "unknown-node"
      | "draining"
      | "undefined"
      | "contract"
      | "outdated"
      | "occupied"
      | "not-supervised"
      | "not-running"
      | "busy"
      | "too-large"
      | "target-lost"
      | "commit-refused";
  }>({
    summary:
      "A process was not moved to another node: it goes on where it was, and nothing is lost.",
    fix: "The reason says what is in the way; where it is the node, choose another.",
    retryable: true,
  }),
  ERR_REBALANCING: error<{ readonly holder: string }>({
    summary:
      "The children of the cluster are being rebalanced already; two at once would undo each other.",
    fix: "Wait until it has ended, or abort it on the node that the error names.",
    retryable: true,
  }),
  ERR_DEFINITION_MISMATCH: error<{
    readonly name: string;
    readonly expected: string;
    readonly found: string;
  }>({
    summary: "The process that runs under the name has another definition.",
    fix: "Use the definition it was started with, or another name.",
    retryable: false,
  }),
  ERR_GROUP_FULL: error<{
    readonly group: string;
    readonly limit: number;
    readonly what: "members" | "groups";
  }>({
    summary: "A group has as many members, or the cluster as many groups, as the limits allow.",
    fix: "Raise limits.groupMembersMax or limits.groupsMax, or divide the members over several groups.",
    retryable: true,
  }),
  ERR_NO_INSTANCE: error<{ readonly service: string; readonly reason: string }>({
    summary: "No instance of the service can take the request; nothing ran.",
    fix: "Register the service on a running node, or relax the constraints the message names.",
    retryable: true,
  }),
  ERR_ALL_INSTANCES_OUT: error<{
    readonly service: string;
    readonly reasons: Readonly<Record<string, string>>;
  }>({
    summary: "The service has instances that fit, and all of them are out for now; nothing ran.",
    fix: "See loadBalancer.explain(service): circuits close by themselves when the instances answer again.",
    retryable: true,
  }),
  ERR_BULKHEAD_FULL: error<{
    readonly service: string;
    readonly limit: number;
    readonly where: "caller" | "instance";
  }>({
    summary: "As many requests of the service are under way or wait as are allowed; nothing ran.",
    fix: "Send fewer at once, add instances, or raise the limit that the message names.",
    retryable: true,
  }),
});
