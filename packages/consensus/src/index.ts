/**
 * @foundation/consensus: the Raft core, and what a shell around it needs. Grouped, alphabetical;
 * written by hand, because what stands here is the public surface.
 */

// the store that recipes stand on
export { rangeOf } from "./engine/engine.js";
export type {
  Change,
  Comparison,
  Engine,
  KeyRange,
  KeyValue,
  Lease,
  LeaseId,
  Operation,
  OperationResult,
  RequestOptions,
  Revision,
  Transaction,
  TransactionResult,
  Watch,
  WatchBatch,
  WatchOptions,
} from "./engine/engine.js";

// a running member of a group
export type { Group, GroupRequestOptions, GroupStatus, Proposed } from "./group/group.js";
export type { GroupLink, LinkHandlers, LinkLane } from "./group/link.js";
export { messengerLink } from "./group/messenger-link.js";
export type { MessengerLinkOptions } from "./group/messenger-link.js";
export { openGroup } from "./group/open-group.js";
export type { GroupOptions } from "./group/open-group.js";
export type { StateMachine } from "./group/state-machine.js";

// limits
export { GROUP_LIMITS, GROUP_TIMES } from "./limits.js";
export type { GroupLimits, GroupTimes } from "./limits.js";
export { RAFT_LIMITS, RAFT_TIMES, SESSION_LIMITS } from "./limits.js";
export type { RaftLimits, RaftTimes, SessionLimits } from "./limits.js";

// members and log
export { configurationOf, isJoint, isVoter, membersOf } from "./protocol/raft/configuration.js";
export type { Configuration, MemberChange } from "./protocol/raft/configuration.js";
export { entryBytes, FIRST_HARD_STATE, firstEntries } from "./protocol/raft/entry.js";
export type { Entry, HardState, SnapshotMeta } from "./protocol/raft/entry.js";

// messages
export { parseEntry, parseRaftMessage, parseSnapshotMeta } from "./protocol/raft/messages.js";
export type { RaftBody, RaftMessage } from "./protocol/raft/messages.js";

// the core
export type {
  Batch,
  ChunkRequest,
  Outcome,
  RaftCounter,
  RaftInput,
  RaftNotice,
  RaftStatus,
  ReadOutcome,
  Refusal,
  RequestId,
  Role,
  StagedChunk,
  Write,
} from "./protocol/raft/inputs.js";
export type { LogWrite } from "./protocol/raft/log.js";
export type { RaftOptions } from "./protocol/raft/options.js";
export { Raft } from "./protocol/raft/raft.js";
export type { Recovered } from "./protocol/raft/state.js";

// who the members are
export { engineArbiter } from "./membership/arbiter.js";
export type { Arbiter } from "./membership/arbiter.js";
export { findGroup } from "./membership/group-place.js";
export type {
  FindGroupOptions,
  FirstVoters,
  GroupFinder,
} from "./membership/group-place.js";
export { holdFolder } from "./membership/folder-voter.js";
export type { FolderVoter, HoldFolderOptions } from "./membership/folder-voter.js";
export { keepVoters } from "./membership/keeper.js";
export type { KeepVotersOptions, VoterKeeper } from "./membership/keeper.js";
export { FOUNDING_LIMITS, VOTER_POLICY } from "./membership/limits.js";
export type { FoundingLimits, VoterPolicy } from "./membership/limits.js";
export type { GroupPlace } from "./membership/own-place.js";
export type { FoundingStanding } from "./membership/protocol/founding-knowledge.js";
export type { FirstVoter, MembershipRecord } from "./membership/protocol/membership-record.js";
export type { OtherLog, RecoveryPlan } from "./membership/protocol/recovery-plan.js";
export type { VoterDecision } from "./membership/protocol/voter-decision.js";
export { joinRecovered, planRecovery, recoverGroup } from "./membership/recover-group.js";
export type {
  ConfirmedPlan,
  PlanRecoveryOptions,
  RecoveredGroup,
} from "./membership/recover-group.js";

// operators of this machine
export { askControl } from "./operator/ask-control.js";
export type { ControlAnswer, ControlQuestion } from "./operator/control-words.js";
export { CONTROL_LIMITS } from "./operator/limits.js";
export { serveControl } from "./operator/serve-control.js";
export type { ControlDesk, ServeControlOptions } from "./operator/serve-control.js";

// recipes
export type {
  ClaimOptions,
  NameClaim,
  NameEvent,
  NameLanding,
  NameOwner,
  NamePad,
  NameStore,
  NameWatch,
  ProposeOptions,
  Roster,
  RosterState,
} from "@foundation/core/ports";
export { createBarriers } from "./recipes/barriers.js";
export type { BarrierOptions, Barriers } from "./recipes/barriers.js";
export { createClusterConfig } from "./recipes/cluster-config.js";
export type {
  ClusterConfig,
  ConfigPath,
  ConflictPolicy,
  SetOptions,
} from "./recipes/cluster-config.js";
export { createElections } from "./recipes/elections/elections.js";
export type {
  Campaign,
  CampaignOptions,
  Elections,
  ElectionsOptions,
  LeaderInfo,
} from "./recipes/elections/elections.js";
export type { Leadership } from "./recipes/elections/leadership.js";
export type { Preference, PreferenceRule } from "./recipes/elections/preference.js";
export type { KvEntry } from "./recipes/kv/entry.js";
export { createKv } from "./recipes/kv/kv.js";
export type { Kv, KvRange, KvTransaction, PutOptions, RangeOptions } from "./recipes/kv/kv.js";
export { step, when } from "./recipes/kv/transaction.js";
export type { KvAnswers, KvCondition, KvOutcome, KvStep } from "./recipes/kv/transaction.js";
export type { KvEvent, KvWatch, KvWatchOptions } from "./recipes/kv/watch.js";
export { RECIPE_LIMITS, RECIPE_TIMES } from "./recipes/limits.js";
export { createFence } from "./recipes/locks/fence.js";
export type { Fence, FenceOptions } from "./recipes/locks/fence.js";
export type { Hold } from "./recipes/locks/hold.js";
export type { AcquireOptions, Claimant } from "./recipes/locks/holds.js";
export { createLocks } from "./recipes/locks/locks.js";
export type { Lock, LockQueue, Locks } from "./recipes/locks/locks.js";
export { createSemaphores } from "./recipes/locks/semaphores.js";
export type {
  Permit,
  PermitClaimant,
  PermitOptions,
  SemaphoreQueue,
  Semaphores,
} from "./recipes/locks/semaphores.js";
export { createNameStore } from "./recipes/names/name-store.js";
export type { WaitOptions } from "./recipes/patience.js";
export { createRecipes } from "./recipes/recipes.js";
export type { Recipes } from "./recipes/recipes.js";
export { createRoster } from "./recipes/roster.js";
export { createSequences } from "./recipes/sequences.js";
export type { NumberBlock, Sequences } from "./recipes/sequences.js";
export { createSessions } from "./recipes/sessions/sessions.js";
export type { Sessions } from "./recipes/sessions/sessions.js";
export type { RecipeOptions } from "./recipes/world.js";

// the engine on nodes that are no members
export { REMOTE_LIMITS, REMOTE_TIMES } from "./remote/limits.js";
export { createRemoteEngine } from "./remote/remote-engine.js";
export type { RemoteEngineOptions } from "./remote/remote-engine.js";
export { serveEngine } from "./remote/serve-engine.js";
export type { ServeEngineOptions } from "./remote/serve-engine.js";

// sessions
export { SessionTable } from "./protocol/sessions/session-table.js";
export type {
  SessionCommand,
  SessionResult,
  SessionTableState,
} from "./protocol/sessions/session-table.js";

// the store of a group, and in memory
export type { StoreResponse } from "./protocol/store/replicated-store.js";
export { createGroupEngine } from "./store/group-engine.js";
export type { EngineGroup, GroupEngine, GroupEngineOptions } from "./store/group-engine.js";
export { createStoreMachine } from "./store/store-machine.js";
export type { StoreMachine, StoreMachineOptions } from "./store/store-machine.js";
export { STORE_LIMITS } from "./protocol/store/limits.js";
export type { StoreLimits } from "./protocol/store/limits.js";
export { createMemoryEngine } from "./store/memory-engine.js";
export type { MemoryEngineOptions } from "./store/memory-engine.js";

// storage
export { consensusErrors } from "./errors.js";
export { openDurableLog } from "./storage/durable-log.js";
export type { DurableLog, DurableLogOptions, LogAppend } from "./storage/durable-log.js";
export { LOG_LIMITS } from "./storage/limits.js";
export type { LogLimits } from "./storage/limits.js";
export type { LogRecovery } from "./storage/recovery.js";
export type { SnapshotReader } from "./storage/snapshot-reader.js";
export type { SnapshotWriter } from "./storage/snapshot-writer.js";
