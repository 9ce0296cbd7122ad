/**
 * Agent: one node of the whole stack as all worlds run it, made by startCluster and told what to do by commands.
 *
 * The same in virtual time, beside others in one process, and alone in its own: it takes time from the clock it is given
 * and talks only in plain data.
 */
import { isFoundationError, type Clock } from "@foundation/core";
import { startCluster, type Cluster, type StartOptions } from "@foundation/foundation";
import { ChannelAgent, channelList } from "./channel-agent.js";
import type { Command, Heard, MemberRow, Outcome } from "./commands.js";
import { keyOf, ledger, news, type NumberedMessage } from "./ledger.js";

const limits = {
  /** A call of the work; longer than a failover takes. */
  workTimeoutMs: 2_000,
  startTimeoutMs: 5_000,
  newsBuffer: 10_000,
} as const;

export interface AgentOptions {
  readonly start: StartOptions;
  readonly clock: Clock;
}

export class Agent {
  readonly #clock: Clock;
  readonly #channels: ChannelAgent;
  readonly #ended = new Set<string>();
  readonly #heard: Heard[] = [];
  readonly #received: string[] = [];
  readonly #outcomes: Outcome[] = [];
  readonly #sequences = new Map<string, number>();
  #work: Promise<unknown> = Promise.resolve();
  #resting = true;
  #calls = 0;

  private constructor(
    readonly cluster: Cluster,
    clock: Clock,
  ) {
    this.#clock = clock;
    this.#channels = new ChannelAgent(cluster, clock, (boot) => this.#ended.has(boot));
  }

  static async start({ start, clock }: AgentOptions): Promise<Agent> {
    const overlay = { ...start.overlay, channels: channelList };
    const agent = new Agent(await startCluster({ ...start, overlay }), clock);
    void agent.#follow();
    void agent.#subscribe();
    return agent;
  }

  /** Node and boot. */
  get key(): string {
    const { id, boot } = this.cluster.self;
    return keyOf({ node: id, boot });
  }

  /** Does as told. What it gives is plain data. */
  async handle(command: Command): Promise<unknown> {
    switch (command.type) {
      case "members":
        return this.#members();
      case "events":
        return this.#heard;
      case "call":
        return this.#call(command.name, command.timeoutMs);
      case "start-process":
        return this.#startProcess(command.name);
      case "lookup":
        return this.#lookup(command.name);
      case "who":
        return this.#who(command.name);
      case "publish":
        return this.#publish();
      case "received":
        return this.#received;
      case "work":
        return this.#begin(command.names, command.everyMs);
      case "rest":
        return this.#rest();
      case "outcomes":
        return this.#outcomes;
      case "advice":
        return (await this.cluster.health()).recommendations;
      case "processes":
        return this.cluster.info().processes.here;
      case "send":
        return this.#channels.send(command);
      case "got":
        return this.#channels.got(command.channel);
      case "hold":
        return this.#channels.hold(command.channel, command.isHeld);
      case "stream":
        return this.#channels.stream(command.to, command.bytes);
      case "links":
        return this.cluster.info().links.all.map((link) => ({
          ...link,
          creditBytes: Math.min(link.creditBytes, Number.MAX_SAFE_INTEGER),
        }));
      case "secrets":
        return this.cluster.reconfigure({ security: { secret: [...command.secrets] } });
      case "leave":
        await this.#rest();
        return this.cluster.leave();
      default:
        return command satisfies never;
    }
  }

  #members(): readonly MemberRow[] {
    return this.cluster
      .nodes()
      .map(({ name, id, boot, address, status }) => ({ name, id, boot, address, status }));
  }

  async #call(name: string, timeoutMs: number): Promise<Outcome> {
    this.#calls += 1;
    const id = `call ${this.key} ${this.#calls}`;
    const ref = this.cluster.process(ledger, name);
    const outcome = await outcomeOf(id, ref.call("book", id, { timeout: timeoutMs }));
    this.#outcomes.push(outcome);
    return outcome;
  }

  #startProcess(name: string): Promise<Outcome> {
    const options = {
      name,
      distribute: true,
      ifRunning: "return",
      timeout: limits.startTimeoutMs,
    } as const;
    return outcomeOf(`start ${name}`, this.cluster.startProcess(ledger, undefined, options));
  }

  #lookup(name: string): string | null {
    const found = this.cluster.registry.lookup(name);
    return found === undefined ? null : `${keyOf(found.pid)}/${found.pid.serial}`;
  }

  async #who(name: string): Promise<string> {
    try {
      return await this.cluster.process(ledger, name).call("who", undefined, { timeout: "2s" });
    } catch (error) {
      if (!isFoundationError(error)) throw error;
      return error.code;
    }
  }

  #publish(): string {
    const message = this.#numbered("news");
    this.cluster.pubsub.publish(news, message);
    return message.id;
  }

  #begin(names: readonly string[], everyMs: number): void {
    this.#resting = false;
    this.#work = Promise.all(names.map((name) => this.#workOn(name, everyMs)));
  }

  async #workOn(name: string, everyMs: number): Promise<void> {
    while (!this.#resting) {
      this.cluster.process(ledger, name).cast("note", this.#numbered(`cast ${name}`));
      await this.#call(name, limits.workTimeoutMs);
      await this.#clock.sleep(everyMs);
    }
  }

  async #rest(): Promise<void> {
    this.#resting = true;
    await this.#work;
  }

  #numbered(order: string): NumberedMessage {
    const sequence = (this.#sequences.get(order) ?? 0) + 1;
    this.#sequences.set(order, sequence);
    const sender = this.key;
    return { id: `${order} ${sender} ${sequence}`, sender, sequence };
  }

  async #follow(): Promise<void> {
    for await (const { type, node } of this.cluster.watch()) {
      if (node === undefined) continue;
      this.#heard.push({ type, name: node.name, boot: node.boot });
      if (type === "node-up") this.#ended.delete(node.boot);
      if (type === "node-down" || type === "node-left") this.#ended.add(node.boot);
    }
  }

  async #subscribe(): Promise<void> {
    const subscription = this.cluster.pubsub.subscribe(news, { buffer: limits.newsBuffer });
    for await (const { data } of subscription) this.#received.push(data.id);
  }
}

/** How something ended for whoever asked for it. What is no FoundationError is a bug and is thrown. */
async function outcomeOf(id: string, work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return { id, code: "ok", retryable: false, message: "" };
  } catch (error) {
    if (!isFoundationError(error)) throw error;
    const { code, retryable, message } = error;
    return { id, code, retryable, message };
  }
}
