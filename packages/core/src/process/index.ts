/** Processes of one node: definitions, the kernel, supervisors. */
export { definedNames, definitionOf, onDefined } from "./catalogue.js";
export { Deadlines } from "./deadlines.js";
export type { Expiring } from "./deadlines.js";
export { defineProcess } from "./define-process.js";
export type { ProcessSpec } from "./define-process.js";
export type {
  AnyHandler,
  HandlerMap,
  InitContext,
  MailboxOptions,
  MailboxRules,
  PersistRule,
  ProcessContext,
  ProcessDefinition,
} from "./definition.js";
export { contractOf } from "./contract.js";
export { createKernel } from "./kernel.js";
export type { KernelOptions } from "./kernel.js";
export type {
  CallOutcome,
  Delivery,
  DeliveryOutcome,
  ExitReason,
  FrozenProcess,
  Kernel,
  Pid,
  ProcessLease,
  ProcessSnapshot,
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
export { isRestarted, Supervision } from "./protocol/supervision.js";
export type {
  ChildStatus,
  RestartPolicy,
  SupervisedChild,
  SupervisionEffect,
  SupervisionInput,
  SupervisionOutcome,
  SupervisionRules,
  SupervisionStrategy,
} from "./protocol/supervision.js";
export { createSupervisor } from "./supervisor/supervisor.js";
export type {
  ChildSpec,
  ChildSummary,
  ProcessChild,
  Supervisor,
  SupervisorChild,
  SupervisorEnd,
  SupervisorEvent,
  SupervisorOptions,
  SupervisorPolicy,
} from "./supervisor/supervisor-options.js";
