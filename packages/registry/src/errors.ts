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
  ERR_NO_CANDIDATE: error<{ readonly name: string; readonly reason: string }>({
    summary: "Nodes define the process, but none of them may run it under the given constraints.",
    fix: "Relax `on`, or wait until a node with that id, role or label is up and not draining.",
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
});
