/**
 * transportScript: what two nodes see of their connection when the network misbehaves, as a list of facts.
 *
 * Played on the simulator's transport and on WebSockets through the proxy. The facts must be the same: what the stack is
 * proven against in virtual time is worth as much as the simulated network is like the real one.
 */
import {
  isFoundationError,
  type Connection,
  type Listener,
  type Transport,
} from "@foundation/core";

/** Two nodes, the transport of each, and what is done to the network between them. */
export interface TransportPair {
  readonly a: Transport;
  readonly b: Transport;
  now(): number;
  run(ms: number): Promise<void>;
  cut(from: "a" | "b", to: "a" | "b"): void;
  heal(): void;
  reset(): void;
  /** The connections end at b; a learns it only when it sends. */
  halfOpen(): void;
  killB(): void;
  close(): Promise<void>;
}

/** Facts by what was done, times in whole seconds. */
export type Facts = Readonly<Record<string, unknown>>;

const seconds = (ms: number) => Math.round(ms / 1_000);
/** Longer than any time-out of a transport. */
const givesUpMsMax = 6_000;
const MEBIBYTE = 1_048_576;

export const situations = [
  "a dial where nobody listens",
  "a dial into a cut",
  "a dial into a cut that heals",
  "a dial that is aborted",
  "frames into a cut that heals",
  "a close",
  "a close with a reason",
  "a close from both sides",
  "a close to a receiver that pauses",
  "a close into a cut",
  "a close that a reset overtakes",
  "a reset",
  "a half-open connection",
  "a killed peer",
  "a peer killed behind a cut",
  "a listener that closes",
  "more frames than the receiver takes",
  "a frame that is too large",
] as const;
export type Situation = (typeof situations)[number];

export async function transportScript(pair: TransportPair, what: Situation): Promise<Facts> {
  const stage = await Stage.open(pair);
  try {
    return await play(stage, what);
  } finally {
    await stage.close();
  }
}

async function play(stage: Stage, what: Situation): Promise<Facts> {
  const { pair } = stage;
  switch (what) {
    case "a dial where nobody listens":
      await stage.listener.close();
      return { dial: await stage.dialled() };
    case "a dial into a cut":
      pair.cut("b", "a");
      return { dial: await stage.dialled() };
    case "a dial into a cut that heals": {
      pair.cut("a", "b");
      const dial = stage.dialled();
      await pair.run(1_000);
      pair.heal();
      return { dial: await dial };
    }
    case "a dial that is aborted": {
      pair.cut("a", "b");
      const dial = stage.dialled(AbortSignal.abort());
      return { dial: await dial };
    }
    case "frames into a cut that heals": {
      const [a, b] = await stage.connect();
      pair.cut("a", "b");
      a.send(1, 2, 3);
      await pair.run(1_000);
      const during = [...b.frames];
      pair.heal();
      await pair.run(1_000);
      return { during, after: b.frames };
    }
    case "a close": {
      const [a, b] = await stage.connect();
      a.send(1, 2);
      a.connection.close();
      await pair.run(1_000);
      return { frames: b.frames, a: a.end, b: b.end };
    }
    case "a close with a reason": {
      const [a, b] = await stage.connect();
      a.connection.close({ reason: "refused", detail: "by this test" });
      await pair.run(1_000);
      return { a: a.end, b: b.end };
    }
    case "a close from both sides": {
      const [a, b] = await stage.connect();
      a.connection.close({ reason: "replaced", detail: "by a" });
      b.connection.close({ reason: "refused", detail: "by b" });
      await pair.run(1_000);
      return { a: a.end, b: b.end };
    }
    case "a close to a receiver that pauses": {
      const [a, b] = await stage.connect();
      const resume = b.connection.pause();
      a.send(1, 2, 3);
      a.connection.close();
      await pair.run(500);
      const during = { frames: [...b.frames], b: b.end };
      resume();
      await pair.run(500);
      return { during, frames: b.frames, a: a.end, b: b.end };
    }
    case "a close into a cut": {
      const [a, b] = await stage.connect();
      pair.cut("a", "b");
      a.connection.close();
      await pair.run(givesUpMsMax);
      const before = b.end;
      pair.heal();
      await pair.run(3_000);
      return { a: a.end, before, b: b.end?.reason };
    }
    case "a close that a reset overtakes": {
      const [a] = await stage.connect();
      pair.cut("b", "a");
      a.connection.close({ reason: "replaced", detail: "by a newer one" });
      await pair.run(300);
      pair.reset();
      await pair.run(1_000);
      return { a: a.end };
    }
    case "a reset": {
      const [a, b] = await stage.connect();
      pair.reset();
      await pair.run(1_000);
      return { a: a.end, b: b.end };
    }
    case "a half-open connection": {
      const [a, b] = await stage.connect();
      pair.halfOpen();
      await pair.run(2_000);
      const silent = a.end;
      a.send(1);
      await pair.run(1_000);
      return { silent, a: a.end?.reason, b: b.end };
    }
    case "a killed peer": {
      const [a] = await stage.connect();
      pair.killB();
      await pair.run(1_000);
      return { a: a.end, dial: await stage.dialled() };
    }
    case "a peer killed behind a cut": {
      const [a] = await stage.connect();
      pair.cut("a", "b");
      pair.cut("b", "a");
      pair.killB();
      await pair.run(2_000);
      const silent = a.end;
      pair.heal();
      a.send(1);
      await pair.run(2_000);
      return { silent, a: a.end?.reason };
    }
    case "a listener that closes": {
      const [a, b] = await stage.connect();
      void stage.listener.close();
      await pair.run(1_000);
      return { a: a.end, b: b.end, dial: await stage.dialled() };
    }
    case "more frames than the receiver takes":
      return overfill(stage);
    case "a frame that is too large": {
      const [a, b] = await stage.connect();
      a.connection.send(new Uint8Array(pair.a.frameBytesMax + 1));
      await pair.run(1_000);
      return { frames: b.frames, a: a.end?.reason, b: b.end?.reason };
    }
    default:
      return what satisfies never;
  }
}

/** Backpressure: what nobody takes is counted, and `drained` waits for it. How much the system hides is its own affair. */
async function overfill(stage: Stage): Promise<Facts> {
  const { pair } = stage;
  const [a, b] = await stage.connect();
  const resume = b.connection.pause();
  const frames = 32;
  for (let i = 0; i < frames; i += 1) a.connection.send(new Uint8Array(MEBIBYTE).fill(i));
  await pair.run(500);
  const isBuffered = a.connection.bufferedBytes > 0;
  let isDrained = false;
  void a.connection.drained(0).then(() => (isDrained = true));
  await pair.run(500);
  const before = { isBuffered, isDrained, frames: b.frames.length };
  resume();
  await pair.run(3_000);
  const inOrder = b.frames.every((frame, i) => frame === i);
  const { bufferedBytes } = a.connection;
  return { before, isDrained, bufferedBytes, frames: b.frames.length, inOrder };
}

/** One end of a connection, and what it saw. */
class End {
  readonly frames: number[] = [];
  end: { readonly reason: string; readonly afterS: number } | undefined;

  constructor(
    readonly connection: Connection,
    now: () => number,
  ) {
    const openedMs = now();
    connection.onFrame((frame) => this.frames.push(frame[0] ?? -1));
    void connection.closed.then(({ reason }) => {
      this.end = { reason, afterS: seconds(now() - openedMs) };
    });
  }

  send(...bytes: readonly number[]): void {
    for (const byte of bytes) this.connection.send(Uint8Array.of(byte));
  }
}

/** b listens, a dials. */
class Stage {
  private constructor(
    readonly pair: TransportPair,
    readonly listener: Listener,
    readonly accepted: End[],
  ) {}

  static async open(pair: TransportPair): Promise<Stage> {
    const accepted: End[] = [];
    let listener: Listener | undefined;
    const listening = pair.b.listen({ host: "127.0.0.1", port: 0 }, (connection) =>
      accepted.push(new End(connection, () => pair.now())),
    );
    void listening.then((made) => (listener = made));
    for (let i = 0; i < 100 && listener === undefined; i += 1) await pair.run(10);
    return new Stage(pair, listener ?? (await listening), accepted);
  }

  async connect(): Promise<readonly [End, End]> {
    let a: End | undefined;
    const dial = this.pair.a.dial(this.listener.address, { signal: new AbortController().signal });
    void dial.then((connection) => (a = new End(connection, () => this.pair.now())));
    for (let i = 0; i < 100; i += 1) {
      await this.pair.run(10);
      const [b] = this.accepted;
      if (a && b) return [a, b];
    }
    throw new Error("no connection within a second");
  }

  /** How a dial ends, and after how many seconds. */
  async dialled(
    signal = new AbortController().signal,
  ): Promise<{ readonly result: string; readonly afterS: number }> {
    const startedMs = this.pair.now();
    let result: string | undefined;
    let endedMs = 0;
    const settle = (text: string) => {
      result = text;
      endedMs = this.pair.now();
    };
    this.pair.a.dial(this.listener.address, { signal }).then(
      (connection) => {
        settle("connected");
        connection.close();
      },
      (error: unknown) => settle(isFoundationError(error) ? error.code : String(error)),
    );
    for (let ms = 0; ms < givesUpMsMax && result === undefined; ms += 50) await this.pair.run(50);
    return { result: result ?? "nothing", afterS: seconds(endedMs - startedMs) };
  }

  async close(): Promise<void> {
    this.pair.heal();
    for (const { connection } of this.accepted) connection.close();
    void this.listener.close();
    await this.pair.run(100);
    await this.pair.close();
  }
}
