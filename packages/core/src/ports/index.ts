/** The ports: what Foundation needs of the world, and what its packages give each other. */
export type { Authentication, NodeKey } from "./authentication.js";
export type { Broadcast } from "./broadcast.js";
export type { Clock, Timer } from "./clock.js";
export type { Codec } from "./codec.js";
export type {
  DiscoveryContext,
  DiscoveryStep,
  DiscoveryStrategy,
  Peer,
  PeerSet,
} from "./discovery-strategy.js";
export type { Logger, LogFields } from "./logger.js";
export type { Member, MemberStatus, Membership, MembershipEvent, NodeLoad } from "./membership.js";
export type {
  InboundMessage,
  MessageHandler,
  Messenger,
  RequestOptions,
  Route,
  SendOptions,
  SendOutcome,
} from "./messenger.js";
export type { Meter, MeterLabels } from "./meter.js";
export type {
  ClaimOptions,
  NameClaim,
  NameEvent,
  NameLanding,
  NameOwner,
  NamePad,
  NameStore,
  NameWaitOptions,
  NameWatch,
  NameWatchOptions,
} from "./name-store.js";
export type { PubSubAdapter, PubSubMessage, PubSubSubscription } from "./pubsub-adapter.js";
export type { Random } from "./random.js";
export type { ProposeOptions, Roster, RosterReadOptions, RosterState } from "./roster.js";
export type { Host, Runtime } from "./runtime.js";
export type { Signals } from "./signals.js";
export type { Storage } from "./storage.js";
export type { ByteSource, InboundStream, StreamHandler, StreamOptions } from "./streams.js";
export type { Connection, ConnectionEnd, Listener, ListenOptions, Transport } from "./transport.js";
