/**
 * @foundation/core: what every package builds on. Grouped by folder, alphabetical in each group; written by hand,
 * because what stands here is the public surface. The ports are types of `@foundation/core/ports`.
 */

// codec
export { codecLimits, createCodec, Encoded } from "./codec/index.js";
export type { CodecLimits } from "./codec/index.js";

// context
export {
  childSpan,
  currentTrace,
  formatTraceparent,
  isSampled,
  isTraceContext,
  newTrace,
  parseTraceparent,
  runWithTrace,
} from "./context/index.js";
export type { TraceContext } from "./context/index.js";

// duration
export { parseDuration } from "./duration.js";
export type { Duration } from "./duration.js";

// errors
export {
  assertDone,
  checkFunction,
  checkOptionalBoolean,
  checkOptionalFunction,
  checkOptionalText,
  checkOptions,
  checkText,
  coreErrors,
  defineErrors,
  error,
  FoundationError,
  fromWireError,
  invalidArgument,
  isFoundationError,
  shown,
  toWireError,
} from "./errors/index.js";
export type {
  ErrorDeclaration,
  ErrorDetails,
  ErrorFactories,
  ErrorFactory,
  FoundationErrorInit,
  Whole,
  WireError,
} from "./errors/index.js";

// ids
export {
  compareHybridTimestamps,
  createBoot,
  createNodeId,
  HYBRID_COUNTER_MAX,
  HYBRID_WALL_MS_MAX,
  HybridLogicalClock,
  isBoot,
  isHybridTimestamp,
  isNodeId,
  parseBoot,
  parseNodeId,
} from "./ids/index.js";
export type { Boot, HybridTimestamp, NodeId } from "./ids/index.js";

// collections
export { RenewedMap } from "./renewed-map.js";

// limits
export { resolveLimits } from "./resolve-limits.js";

// logger
export { pinoLogger, silentLogger } from "./logger/index.js";
export type { LogLevel, PinoLoggerOptions } from "./logger/index.js";

// placement
export {
  hashRing,
  leastLoaded,
  localPlacement,
  pinned,
  randomPlacement,
  rendezvous,
} from "./placement/index.js";
export type { Candidate, HashRingOptions, Placement } from "./placement/index.js";

// ports
export type * from "./ports/index.js";

// process
export {
  contractOf,
  createKernel,
  createSupervisor,
  Deadlines,
  definedNames,
  defineProcess,
  definitionOf,
  isOrderly,
  isRestarted,
  localRef,
  onDefined,
  processLimits,
  Supervision,
} from "./process/index.js";
export type {
  AnyHandler,
  ArgsOf,
  CallName,
  CallOptions,
  CallOutcome,
  CallParameters,
  CallsOf,
  CastName,
  CastsOf,
  ChildSpec,
  ChildStatus,
  ChildSummary,
  DefinedProcess,
  Delivery,
  DeliveryOutcome,
  ExitReason,
  Expiring,
  FrozenProcess,
  HandlerMap,
  InitContext,
  Kernel,
  KernelLimits,
  KernelOptions,
  LocalRefOptions,
  MailboxOptions,
  MailboxRules,
  PayloadOf,
  PayloadParameters,
  PersistRule,
  Pid,
  ProcessChild,
  ProcessContext,
  ProcessDefinition,
  ProcessLease,
  ProcessRef,
  ProcessSnapshot,
  ProcessSpec,
  ProcessSummary,
  ReplyOf,
  RestartPolicy,
  SpawnOptions,
  StartParameters,
  StateOf,
  SupervisedChild,
  SupervisionEffect,
  SupervisionInput,
  SupervisionOutcome,
  SupervisionRules,
  SupervisionStrategy,
  Supervisor,
  SupervisorChild,
  SupervisorEnd,
  SupervisorEvent,
  SupervisorOptions,
  SupervisorPolicy,
} from "./process/index.js";

// runtime
export {
  ambientRuntime,
  createKeyRing,
  createNodeKey,
  defaultRuntime,
  DisposalStack,
  fileStorage,
  hmacAuthentication,
  IDENTITY_FILE,
  inMemoryMeter,
  isKeyRing,
  isProcessRunning,
  isSecret,
  isStorageName,
  keyNameOf,
  loadIdentity,
  loadNodeKey,
  loadProbe,
  NODE_KEY_FILE,
  nodeClock,
  nodeRandom,
  nodeRuntime,
  nodeSignals,
  openDataDirectory,
  processBirth,
  provideRuntime,
  Secret,
  storageFailure,
  storageNameFailure,
  verifyNodeSignature,
} from "./runtime/index.js";
export type { Closable, KeyRing, NodeIdentity, SecretList, SecretSource } from "./runtime/index.js";

// stream
export {
  boundedStream,
  ByteIterator,
  byteReader,
  STREAM_BUFFER_DEFAULT,
  STREAM_READS_MAX,
} from "./stream/index.js";
export type {
  BoundedStream,
  BoundedStreamOptions,
  ByteBuffer,
  ByteReader,
  Overflow,
} from "./stream/index.js";
