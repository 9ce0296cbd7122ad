/**
 * RegistryParts: what a registry consists of, each part made with what it needs; they end in the order in which they are used.
 *
 * Nothing is decided here. Some parts call each other in both directions (a name that is lost ends a child, a child that ends
 * gives its name up), so a few are handed on as functions that look when they are called.
 */
import {
  createCodec,
  definedNames,
  definitionOf,
  onDefined,
  resolveLimits,
} from "@foundation/core";
import { createVersionedMap, type VersionedMap } from "@foundation/crdt";
import { defaultLimits } from "../limits.js";
import { compareVersions, type SpecVersion } from "../protocol/child-spec.js";
import {
  compareSnapshots,
  isSnapshotStamp,
  type SnapshotStamp,
} from "../protocol/snapshot-stamp.js";
import { Calls } from "./calls/calls.js";
import { EarlierPlaces } from "./calls/earlier-places.js";
import { Monitors } from "./calls/monitors.js";
import type { ReferenceParts } from "./calls/process-reference.js";
import { Successors } from "./calls/successors.js";
import { createMetrics } from "./metrics.js";
import { Conflicts } from "./conflicts/conflicts.js";
import { Migrations } from "./migration/migrations.js";
import { openClaims, type Claims } from "./names/claims.js";
import { DefinitionBoard } from "./names/definition-board.js";
import { NameStore } from "./names/name-store.js";
import { NameWatchers } from "./names/name-watchers.js";
import { Naming } from "./names/naming.js";
import { Offers } from "./offers.js";
import type { Patience } from "./patience.js";
import { openEcosystems, type Ecosystems } from "./ecosystems/ecosystems.js";
import { Placing } from "./placement/placing.js";
import { checkAutomatic } from "./placement/rebalance-options.js";
import { Rebalancer } from "./placement/rebalancer.js";
import type { Registry, RegistryOptions } from "./registry.js";
import { checkExpect, PartitionGuard } from "./partition/partition-guard.js";
import { checkTtl } from "./strong/refusals.js";
import { StrongNames } from "./strong/strong-names.js";
import { Snapshots } from "./snapshots/snapshots.js";
import { Endings } from "./supervision/endings.js";
import { SpecInquiry } from "./supervision/spec-inquiry.js";
import { isVersion, SpecStore } from "./supervision/spec-store.js";
import { timeoutOf } from "./supervision/start-options.js";
import { START_SUBJECT, Starts } from "./supervision/starts.js";
import { Supervision, type SupervisionParts } from "./supervision/supervision.js";
import { Supervising } from "./trees/supervising.js";
import { withTrees } from "./trees/tree-definition.js";
import { Trees } from "./trees/trees.js";
import { type DefinitionSource, type Wiring } from "./wiring.js";
import { Following } from "./names/following.js";

/** The signal of the start ends the wait; this only has to be longer than any start. */
const VISIBLE_MS = 86_400_000;

/** What a kept snapshot takes beside its state. */
const SNAPSHOT_FRAME_BYTES = 1_024;

const catalogue: DefinitionSource = { get: definitionOf, names: definedNames, onDefined };

/** What parts ask of the face they are behind. */
export interface RegistryFace {
  readonly registry: Registry;
  /** Runs an operation with its time. */
  within<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    target: string,
    operation: (patience: Patience) => Promise<T>,
  ): Promise<T>;
  readonly stop: ReferenceParts["stop"];
}

export class RegistryParts {
  readonly wiring: Wiring;
  readonly claims: Claims;
  readonly watchers: NameWatchers;
  readonly #specMap: VersionedMap<unknown, SpecVersion>;
  readonly #snapshotMap: VersionedMap<unknown, SnapshotStamp>;
  /** What most of them use. */
  readonly shared: SupervisionParts;
  readonly calls: Calls;
  readonly #monitors: Monitors;
  readonly supervision: Supervision;
  readonly migrations: Migrations;
  readonly #conflicts: Conflicts;
  readonly starts: Starts;
  readonly inquiry: SpecInquiry;
  readonly endings: Endings;
  readonly rebalancer: Rebalancer;
  readonly #trees: Trees;
  readonly supervising: Supervising;
  readonly naming: Naming;
  readonly offers: Offers;
  readonly ecosystems: Ecosystems;
  readonly following: Following;
  readonly #stopServing: () => void;

  constructor(options: RegistryOptions, face: RegistryFace) {
    const wiring = wire(options);
    this.wiring = wiring;
    const { messenger, membership, broadcast, runtime } = options;
    const ports = { messenger, membership, broadcast, runtime };
    this.claims = openClaims(ports, wiring.limits);
    this.watchers = new NameWatchers(wiring.limits.watchBuffer);
    this.#specMap = createVersionedMap<unknown, SpecVersion>({
      ...ports,
      name: "registry.children",
      compare: compareVersions,
      isStamp: isVersion,
    });
    const specs = new SpecStore(this.#specMap);
    this.#snapshotMap = createVersionedMap<unknown, SnapshotStamp>({
      ...ports,
      name: "registry.snapshots",
      compare: compareSnapshots,
      isStamp: isSnapshotStamp,
      limits: { valueBytesMax: wiring.limits.snapshotBytesMax + SNAPSHOT_FRAME_BYTES },
    });
    const placing = new Placing(wiring, {
      specs,
      defines: (node, definition) => this.shared.board.defines(node, definition),
      placement: options.placement,
      loadOf: ({ id, load }) => (options.loadOf === undefined ? load : options.loadOf(id)),
    });
    this.shared = {
      specs,
      snapshots: new Snapshots(wiring, this.#snapshotMap, specs),
      placing,
      place: placing.place,
      placeFirst: placing.placeFirst,
      names: new NameStore(wiring, this.claims, this.watchers, (name, own) =>
        this.naming.lost(name, own),
      ),
      board: new DefinitionBoard(wiring, this.claims.store, specs, () =>
        this.supervision.markAll(),
      ),
      ...this.#rulers(options, wiring),
    };
    const successors = new Successors(wiring.limits.successorsMax);
    this.calls = new Calls(wiring, successors);
    const earlier = new EarlierPlaces(wiring.limits.successorsMax);
    this.#monitors = new Monitors(wiring, successors, earlier, this.calls);
    this.supervision = new Supervision(wiring, this.shared);
    this.migrations = new Migrations(
      ...([wiring, this.shared, this.supervision, successors, earlier] as const),
      () => this.naming,
    );
    const { onConflict } = options;
    this.#conflicts = new Conflicts(wiring, this.shared, this.supervision, onConflict);
    const visible = (signal: AbortSignal) =>
      this.claims.store.visible({ signal, timeout: VISIBLE_MS });
    this.starts = new Starts(wiring, this.shared, this.supervision, visible);
    this.inquiry = new SpecInquiry(wiring, specs);
    this.endings = new Endings(wiring, this.shared, this.supervision, visible);
    this.rebalancer = new Rebalancer(
      wiring,
      this.shared,
      (identity, to, patience) =>
        this.migrations.migrate(identity, undefined, to, patience, () => undefined),
      checkAutomatic(options.rebalance, wiring.limits),
    );
    this.#trees = new Trees(wiring, this.shared, this.supervision, this.starts);
    this.supervising = new Supervising(wiring, {
      specs: this.shared.specs,
      starts: this.starts,
      inquiry: this.inquiry,
      trees: this.#trees,
      within: (options, target, operation) => {
        const timeoutMs = timeoutOf(options, wiring.limits);
        return face.within(timeoutMs, options?.signal, target, operation);
      },
      process: (definition, name) => this.following.follow(definition, name),
    });
    this.naming = new Naming(wiring, this.shared, this.supervision, this.claims, visible);
    this.following = new Following(wiring, this.shared, this.supervision, {
      wiring,
      calls: this.calls,
      monitors: this.#monitors,
      stop: (name, pid, how) => face.stop(name, pid, how),
    });
    this.offers = new Offers(wiring, ports, {
      calls: this.calls,
      identities: {
        spec: (identity) => this.shared.specs.get(identity),
        locate: (identity) => this.shared.names.locate(identity)?.pid,
        subscribe: (listener) => {
          const stopSpecs = this.shared.specs.subscribe(listener);
          const stopClaims = this.claims.store.subscribe(({ key }) => listener(key));
          return () => {
            stopSpecs();
            stopClaims();
          };
        },
      },
      identityOf: (pid) => this.supervision.children.byPid(pid)?.spec?.identity,
      loadOf: (member) => this.shared.placing.loadOf(member),
      balancing: options.balancing,
    });
    const defines = this.shared.board.defines;
    this.ecosystems = openEcosystems(
      wiring,
      ports,
      { registry: face.registry, specs, defines },
      this.claims.store,
    );
    this.#stopServing = messenger.handle(START_SUBJECT, (message) => this.starts.serve(message));
    this.shared.board.open();
  }

  /** Who may run what: the names of strong children, and the sides of a cut. */
  #rulers(options: RegistryOptions, wiring: Wiring): Pick<SupervisionParts, "guard" | "strong"> {
    const allChanged = () => this.supervision.markAll();
    const changed = (identity: string) => this.supervision.mark(identity);
    const lost = (identity: string) => this.supervision.loseLease(identity);
    const told = { changed, allChanged, lost };
    return {
      guard: new PartitionGuard(wiring, {
        roster: () => options.roster,
        expect: checkExpect(options.expect),
        onChange: allChanged,
      }),
      strong: new StrongNames(wiring, options.nameStore, checkTtl(options.leaseTtl), told),
    };
  }

  async close(): Promise<void> {
    this.#stopServing();
    this.inquiry.close();
    await this.ecosystems.close();
    await this.offers.close();
    this.endings.close();
    this.rebalancer.close();
    this.migrations.close();
    this.#conflicts.close();
    this.calls.close();
    this.#trees.close();
    await this.supervision.close();
    this.naming.close();
    this.shared.guard.close();
    await this.shared.strong.close();
    this.#monitors.close();
    this.shared.board.close();
    this.shared.placing.close();
    this.shared.names.close();
    this.watchers.close();
    await this.claims.store.close();
    this.shared.snapshots.close();
    await this.#snapshotMap.close();
    await this.#specMap.close();
  }
}

function wire(options: RegistryOptions): Wiring {
  const { messenger, membership, kernel, runtime } = options;
  return {
    self: { node: kernel.node, boot: kernel.boot },
    messenger,
    membership,
    kernel,
    clock: runtime.clock,
    random: runtime.random.fork("registry"),
    logger: runtime.logger.child({ package: "registry" }),
    codec: options.codec ?? createCodec(),
    limits: resolveLimits(defaultLimits, options.limits),
    metrics: createMetrics(runtime.meter),
    definitions: withTrees(options.definitions ?? catalogue),
  };
}
