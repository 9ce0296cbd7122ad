/**
 * Follower: keeps what one namespace says in the table, for as long as the strategy runs.
 *
 * The shell of `Reflector`: it carries out what that asks for, one thing at a time, reports what failed,
 * and tells after each batch that the table may have changed.
 */
import type { Clock, DiscoveryContext, Random } from "@foundation/core";
import {
  readEvent,
  readPage,
  type ListPage,
  type WatchEvent,
} from "../protocol/kubernetes/answers.js";
import {
  MalformedObject,
  type EndpointRules,
  type KubernetesObject,
  type WatchedResource,
} from "../protocol/kubernetes/endpoint-rules.js";
import type { EndpointTable } from "../protocol/kubernetes/endpoint-table.js";
import { kubernetesLimits } from "../protocol/kubernetes/limits.js";
import { Reflector, type ReflectorEffect } from "../protocol/kubernetes/reflector.js";
import { refusal, wantedOf } from "../protocol/kubernetes/refusal.js";
import type { Progress } from "./offered-peers.js";
import { ApiFailure, malformed, type ApiClient, type Question } from "./api-client.js";
import { emptied, issueOf } from "./endpoint-issue.js";

/** What one namespace is followed with. */
export interface Following {
  readonly context: DiscoveryContext;
  readonly client: ApiClient;
  readonly table: EndpointTable;
  readonly rules: EndpointRules;
  readonly resource: WatchedResource;
  /** undefined: all of them. */
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly server: string;
  /** Told when a list has ended, when events were applied, and when an attempt failed. */
  readonly onProgress: (progress: Progress) => void;
}

type Step = Extract<ReflectorEffect, { readonly type: "list" | "watch" | "pause" | "stay" }>;

/** Follows one namespace; see the module. */
export class Follower {
  readonly #following: Following;
  readonly #reflector = new Reflector();
  readonly #clock: Clock;
  readonly #jitter: Random;
  #hasHinted = false;

  constructor(following: Following) {
    this.#following = following;
    this.#clock = following.context.clock;
    this.#jitter = following.context.random.fork(`kubernetes.${following.namespace ?? "*"}`);
  }

  /** Lists and watches until the signal fires. Never rejects for what the server does. */
  async run(signal: AbortSignal): Promise<void> {
    let step = this.#apply(this.#reflector.handle({ type: "start" }, this.#clock.now()));
    while (!signal.aborted) {
      try {
        step = await this.#carryOut(step, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ApiFailure)) throw error;
        step = this.#failed(error);
      }
    }
  }

  async #carryOut(step: Step, signal: AbortSignal): Promise<Step> {
    switch (step.type) {
      case "list":
        return this.#list(step, signal);
      case "watch":
        return this.#watch(step.resourceVersion, signal);
      case "pause": {
        // Spread upwards only: a server that asks to be left alone is.
        const ms = step.ms * (1 + this.#jitter.next() / 2);
        await this.#clock.sleep(ms, { signal }).catch(() => undefined);
        return this.#apply(this.#reflector.handle({ type: "rested" }, this.#clock.now()));
      }
      case "stay":
        throw new Error("a reflector may only stay inside a watch");
      default:
        return step satisfies never;
    }
  }

  async #list(
    { next, limit }: Extract<Step, { readonly type: "list" }>,
    signal: AbortSignal,
  ): Promise<Step> {
    const { resource, rules, client } = this.#following;
    const question = this.#question("list", {
      ...(limit !== undefined && { limit: String(limit) }),
      ...(next !== undefined && { continue: next }),
    });
    const startedAtMs = this.#clock.now();
    const json = await client.list(question, signal);
    const page = this.#read(question, () => readPage(resource, json, rules));
    const objection = this.#reflector.objection(page);
    if (objection?.type === "empty") {
      throw new ApiFailure(emptied(this.#following.table.peers().length), "lost");
    }
    if (objection !== undefined) throw malformed(question, objection.reason, "lost");
    if (page.objects.length === 0 && next === undefined) this.#hintAt(question);
    const tookMs = this.#clock.now() - startedAtMs;
    this.#trace(question, summaryOf(page), tookMs);
    return this.#apply(this.#reflector.handle({ type: "page", page }, this.#clock.now()));
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<Step> {
    const { resource, rules, client } = this.#following;
    const spread = 2 / 3 + (this.#jitter.next() * 2) / 3;
    const question = this.#question("watch", {
      watch: "1",
      resourceVersion,
      allowWatchBookmarks: "true",
      timeoutSeconds: String(Math.round((kubernetesLimits.watchMs * spread) / 1_000)),
    });
    let hasBegun = false;
    for await (const batch of client.watch(question, signal)) {
      if (!hasBegun) this.#begin(question);
      hasBegun = true;
      this.#takeAll(
        question,
        batch.map((json) => this.#read(question, () => readEvent(resource, json, rules))),
      );
    }
    this.#trace(question, "ended");
    return this.#apply(this.#reflector.handle({ type: "ended" }, this.#clock.now()));
  }

  /** That nothing fits is no failure; when it is said at the start, a wrong name is found in a minute. */
  #hintAt(question: Question): void {
    if (this.#hasHinted) return;
    this.#hasHinted = true;
    const { context, server, labelSelector } = this.#following;
    const what = wantedOf({ ...question, server });
    context.logger.info("Kubernetes lists nobody: is this the right service and namespace?", {
      what,
      labelSelector,
    });
  }

  #begin(question: Question): void {
    this.#trace(question, "200, watching");
    this.#reflector.handle({ type: "watching" }, this.#clock.now());
  }

  /** Applies a batch, so that a rollout of hundreds costs one set. */
  #takeAll(question: Question, batch: readonly WatchEvent[]): void {
    const { server, onProgress } = this.#following;
    try {
      for (const event of batch) {
        if (event.type === "error") {
          const because = event.status.code === 410 ? "gone" : "failed";
          const problem = refusal({ ...question, server }, event.status);
          throw new ApiFailure(problem, because, event.status.retryAfterMs);
        }
        this.#apply(this.#reflector.handle({ type: "event", event }, this.#clock.now()));
      }
    } finally {
      if (batch.length > 0) onProgress("changed");
    }
  }

  #read<T>(question: Question, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof MalformedObject) throw malformed(question, error.message, "lost");
      throw error;
    }
  }

  /** Puts changes into the table; gives what to do next. */
  #apply(effects: readonly ReflectorEffect[]): Step {
    const { table, onProgress } = this.#following;
    let next: Step = { type: "stay" };
    for (const effect of effects) {
      switch (effect.type) {
        case "put":
          table.put(effect.object);
          this.#reportIssues(effect.object);
          break;
        case "remove":
          table.remove(effect.key);
          break;
        case "listed":
          onProgress("listed");
          break;
        case "list":
        case "watch":
        case "pause":
        case "stay":
          next = effect;
          break;
        default:
          effect satisfies never;
      }
    }
    return next;
  }

  #failed({ problem, because, retryAfterMs }: ApiFailure): Step {
    const { context, onProgress } = this.#following;
    // That a version is gone is the ordinary end of a watch that was away for long.
    if (because === "gone") this.#traceText("watch", problem.message);
    else context.report(problem);
    const nowMs = this.#clock.now();
    const step = this.#apply(
      this.#reflector.handle({ type: "failed", because, retryAfterMs }, nowMs),
    );
    if (because !== "gone") onProgress("failed");
    return step;
  }

  #reportIssues({ issues }: KubernetesObject): void {
    const { context, rules } = this.#following;
    for (const issue of issues) context.report(issueOf(issue, rules));
  }

  #question(verb: Question["verb"], query: Readonly<Record<string, string>>): Question {
    const { resource, namespace, labelSelector } = this.#following;
    const root = resource === "pods" ? "/api/v1" : "/apis/discovery.k8s.io/v1";
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const plural = resource === "pods" ? "pods" : "endpointslices";
    const parameters = new URLSearchParams({
      ...(labelSelector !== undefined && { labelSelector }),
      ...query,
    });
    return { verb, resource, namespace, path: `${root}${scope}/${plural}?${parameters}` };
  }

  #trace(question: Question, answer: string, tookMs?: number): void {
    this.#traceText(`${question.verb} ${question.path}`, answer, tookMs);
  }

  #traceText(what: string, answer: string, tookMs?: number): void {
    const { context, server } = this.#following;
    const tried = `${what} at ${server}`;
    context.trace(tookMs === undefined ? { tried, answer } : { tried, answer, tookMs });
  }
}

/** A page in words: that nobody is ready explains most clusters that do not form. */
function summaryOf({ objects }: ListPage): string {
  const endpoints = objects.reduce((sum, { candidates }) => sum + candidates.length, 0);
  const notReady = objects.reduce((sum, object) => sum + object.notReady, 0);
  const rest = notReady === 0 ? "" : `, and ${notReady} that are not ready and not offered`;
  return `200, ${objects.length} objects with ${endpoints} endpoints${rest}`;
}
