/** Processes of one node: definitions, the kernel, supervisors. */
export { definedNames, definitionOf, onDefined } from "./catalogue.js";
export { defineProcess } from "./define-process.js";
export type { ProcessSpec } from "./define-process.js";
export type {
  AnyHandler,
  HandlerMap,
  InitContext,
  MailboxOptions,
  ProcessContext,
  ProcessDefinition,
} from "./definition.js";
export { createKernel } from "./kernel.js";
export type { KernelOptions } from "./kernel.js";
export type {
  CallOutcome,
  Delivery,
  DeliveryOutcome,
  ExitReason,
  Kernel,
  Pid,
  ProcessSummary,
  SpawnOptions,
} from "./kernel-port.js";
export { processLimits } from "./limits.js";
export type { KernelLimits } from "./limits.js";
export { localRef } from "./local-ref.js";
export type { LocalRefOptions } from "./local-ref.js";
export { isOrderly } from "./protocol/links.js";
export type {
  ArgsOf,
  CallName,
  CallOptions,
  CallParameters,
  CallsOf,
  CastName,
  CastsOf,
  DefinedProcess,
  PayloadOf,
  PayloadParameters,
  ProcessRef,
  ReplyOf,
  StartParameters,
  StateOf,
} from "./typed-definition.js";
