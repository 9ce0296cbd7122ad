import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createSimulator, type SimulatedHost, type Simulator } from "../../../src/index.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array | undefined) => content && new TextDecoder().decode(content);

describe("simulated disks", () => {
  let sim: Simulator<SimulatedHost>;
  const open = async (seed: number | string) => {
    sim = createSimulator<SimulatedHost>({ seed });
    sim.addNode("a", (host) => host);
    await sim.run("1s");
  };
  const storage = () => (sim.node("a").app as SimulatedHost).runtime.storage;
  const read = async (file: string) => text(await sim.settle(storage().read(file)));
  const restart = async (options?: Parameters<Simulator<SimulatedHost>["restart"]>[1]) => {
    sim.restart("a", options);
    await sim.run("1s");
  };
  /** What became of a promise, without waiting for it. */
  const watch = (promise: Promise<unknown>) => {
    const seen = { state: "pending", atMs: Number.NaN };
    const settled = (state: string) => () => {
      seen.state = state;
      seen.atMs = sim.clock.now();
    };
    promise.then(settled("done"), settled("failed"));
    return seen;
  };
  beforeEach(() => open(3));
  afterEach(() => sim.close());

  test("a stalled disk answers and takes effect only after the stall, what was begun before it too", async () => {
    const before = watch(storage().replace("before", bytes("1")));
    sim.stallDisk("a", 5_000);
    const during = watch(storage().append("during", bytes("2")));
    const listed = watch(storage().list(""));
    await sim.run(4_990);
    expect([before.state, during.state, listed.state]).toEqual(["pending", "pending", "pending"]);
    await sim.run(20);
    expect([before.state, during.state, listed.state]).toEqual(["done", "done", "done"]);
    expect(before.atMs).toBeGreaterThan(6_000);
    expect(await read("before")).toBe("1");
  });

  test("a second stall makes the first longer, and a heal ends them", async () => {
    sim.stallDisk("a", 100);
    sim.stallDisk("a", 60_000);
    sim.stallDisk("a", 10);
    const reading = watch(storage().read("x"));
    await sim.run("1s");
    expect(reading.state).toBe("pending");
    sim.heal();
    await sim.run(10);
    expect(reading.state).toBe("done");
  });

  test("a full disk refuses what needs room with a typed error, and does everything else", async () => {
    await sim.settle(storage().replace("log", bytes("kept")));
    sim.fillDisk("a", true);
    for (const begin of [
      () => storage().append("log", bytes("more")),
      () => storage().replace("log", bytes("other")),
    ]) {
      await expect(sim.settle(begin())).rejects.toMatchObject({
        code: "ERR_STORAGE",
        details: { file: "log", reason: expect.stringContaining("ENOSPC: no space left") },
      });
    }
    expect((await read("log"))?.startsWith("kept")).toBe(true);
    await sim.settle(storage().truncate("log", 2));
    await sim.settle(storage().sync("log"));
    expect(await read("log")).toBe("ke");
    await sim.settle(storage().remove("log"));
    expect(await sim.settle(storage().list(""))).toEqual([]);
    sim.fillDisk("a", false);
    await sim.settle(storage().append("log", bytes("again")));
    expect(await read("log")).toBe("again");
  });

  test("an append that finds no space may leave a torn piece, after which nothing goes until it is cut off", async () => {
    const left = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const file = `log-${i}`;
      await sim.settle(storage().replace(file, bytes("kept;")));
      sim.fillDisk("a", true);
      await expect(sim.settle(storage().append(file, bytes("lost")))).rejects.toThrow("ENOSPC");
      sim.fillDisk("a", false);
      const content = (await read(file)) as string;
      left.add(content);
      const appending = storage().append(file, bytes("next"));
      if (content === "kept;") await sim.settle(appending);
      else {
        await expect(sim.settle(appending)).rejects.toThrow("truncate it first");
        await sim.settle(storage().truncate(file, 5));
        await sim.settle(storage().append(file, bytes("next")));
      }
      expect(await read(file)).toBe("kept;next");
    }
    expect([...left].every((content) => "kept;los".startsWith(content))).toBe(true);
    expect(left.size).toBeGreaterThan(1);
  });

  test("heal makes room", async () => {
    sim.fillDisk("a", true);
    sim.heal();
    await sim.settle(storage().append("log", bytes("x")));
    expect(await read("log")).toBe("x");
  });

  test("corruption changes synced bytes of the named file only, where it says, and is a line of the trace", async () => {
    const content = new Uint8Array(10_000).fill(7);
    const kinds = new Set<string>();
    for (let i = 0; i < 30; i++) {
      await sim.settle(storage().replace("data", content));
      await sim.settle(storage().replace("other", content));
      const done = sim.corruptDisk("a", { file: "data" });
      if (!done) throw new Error("there was something to corrupt");
      kinds.add(done.kind);
      const now = (await sim.settle(storage().read("data"))) as Uint8Array;
      const different = [...now.keys()].filter((at) => now[at] !== 7);
      expect(different[0]).toBe(done.offset);
      expect(different).toHaveLength(done.sizeBytes);
      expect(await sim.settle(storage().read("other"))).toEqual(content);
      const line = `${done.kind} in data at ${done.offset}`;
      expect(sim.trace.lines({ last: 1, match: ({ kind }) => kind === "disk" })[0]).toContain(line);
    }
    expect([...kinds].sort()).toEqual(["bit-flip", "zeroes"]);
  });

  test("there is nothing to corrupt where nothing was synced", async () => {
    await sim.settle(storage().append("log", bytes("not synced")));
    expect(sim.corruptDisk("a")).toBeUndefined();
    await sim.settle(storage().sync("log"));
    expect(sim.corruptDisk("a", { file: "nothing" })).toBeUndefined();
    expect(sim.corruptDisk("a")?.file).toBe("log");
    expect(sim.node("a").state).toBe("up");
  });

  test("a power cut keeps what was synced and tears the rest: nothing, a prefix, or bytes nobody wrote", async () => {
    const found = { nothing: 0, prefix: 0, everything: 0, garbage: 0 };
    for (let seed = 0; seed < 60; seed++) {
      sim.close();
      await open(`power ${seed}`);
      await sim.settle(storage().append("log", bytes("synced;")));
      await sim.settle(storage().sync("log"));
      await sim.settle(storage().append("log", bytes("ABCDEFGH")));
      sim.crash("a", { kind: "power" });
      await restart();
      const after = (await read("log")) as string;
      expect(after.startsWith("synced;")).toBe(true);
      const tail = after.slice("synced;".length);
      if (tail === "") found.nothing += 1;
      else if (tail === "ABCDEFGH") found.everything += 1;
      else if ("ABCDEFGH".startsWith(tail)) found.prefix += 1;
      else found.garbage += 1;
    }
    for (const count of Object.values(found)) expect(count).toBeGreaterThan(0);
  });

  test("a killed process loses nothing that was answered, and leaves a prefix of what it had begun", async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      sim.close();
      await open(`killed ${seed}`);
      await sim.settle(storage().append("log", bytes("answered;")));
      for (const part of ["one;", "two;", "three;"]) void storage().append("log", bytes(part));
      sim.crash("a");
      await restart();
      left.add((await read("log")) as string);
    }
    const whole = "answered;one;two;three;";
    for (const content of left) {
      expect(whole.startsWith(content)).toBe(true);
      expect(content.startsWith("answered;")).toBe(true);
    }
    expect(left).toContain("answered;");
    expect(left).toContain(whole);
    expect([...left].some((content) => !content.endsWith(";"))).toBe(true);
  });

  test("a restored disk is the image that was taken: what was synced later is gone", async () => {
    await sim.settle(storage().replace("term", bytes("1")));
    await sim.settle(storage().append("log", bytes("unsynced")));
    sim.snapshotDisk("a");
    await sim.settle(storage().replace("term", bytes("2")));
    await sim.settle(storage().replace("vote", bytes("b")));
    await restart({ disk: "restored" });
    expect(await read("term")).toBe("1");
    expect(await sim.settle(storage().list(""))).toEqual(["term"]);
    await sim.settle(storage().replace("term", bytes("3")));
    await restart({ disk: "restored" });
    expect(await read("term")).toBe("1");
  });

  test("without an image, a restored disk is as it was when the last boot began", async () => {
    await sim.settle(storage().replace("term", bytes("1")));
    await restart();
    await sim.settle(storage().replace("term", bytes("2")));
    await restart({ disk: "restored" });
    expect(await read("term")).toBe("1");
  });
});
