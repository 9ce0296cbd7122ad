import { execFile } from "node:child_process";
import { describe, expect, test } from "@jest/globals";

/** What became of a program that simulates, in a process of its own. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string): Promise<Ended> {
  const args = ["--conditions=@foundation/source", "--import", "tsx", "--input-type=module"];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, "--eval", program],
      { cwd: import.meta.dirname },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** A simulation of two nodes, one of which does this after 1.5 s. */
const simulating = (evil: string, more = "") => `
  import { createSimulator } from "@foundation/testkit";
  ${more}
  const sim = createSimulator({ seed: "stuck", watchdogMs: 300 });
  sim.addNode("good", () => 1);
  sim.addNode("evil", ({ runtime }) => {
    runtime.clock.setTimer(1_500, function planted() { ${evil} });
    return 1;
  });
`;

describe("a simulation in a process of its own", () => {
  test.each([
    ["a loop of promise reactions", "(async function endless() { for (;;) await null; })();"],
    ["a loop", "(function endless() { for (;;) Math.abs(1); })();"],
    [
      "a loop of reactions where contexts are followed",
      "new AsyncLocalStorage().run(1, async function endless() { for (;;) await null; });",
    ],
  ])("%s in a node ends the process and says where it is", async (_, evil) => {
    const more = 'import { AsyncLocalStorage } from "node:async_hooks";';
    const { code, stderr } = await run(`${simulating(evil, more)} await sim.run("10s");`);
    expect(stderr).toContain("ERR_SIMULATION_STUCK: Node evil at 1500 ms of seed stuck");
    expect(stderr).toMatch(/ at .*endless/);
    expect(stderr).toContain("evil start");
    expect(code).toBe(70);
  });

  test("time that passes between two runs is no event, and the watchdog holds up no end", async () => {
    const idle = `
      await sim.run("1s");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await sim.run("1s");
      sim.close();
      console.log("closed");
    `;
    const { code, stdout, stderr } = await run(simulating("", "") + idle);
    expect([code, stdout.trim(), stderr]).toEqual([0, "closed", ""]);
  });

  test("what a module imported by name before the simulation is refused in nodes, and whole again after it", async () => {
    const imports = `
      import { setTimeout as later, setImmediate as soon } from "node:timers";
      import { setTimeout as promisedLater } from "node:timers/promises";
      import { readFile } from "node:fs/promises";
      import { writeFileSync } from "node:fs";
      import { randomBytes, randomUUID } from "node:crypto";
      import { connect } from "node:net";
      import { gzip } from "node:zlib";
      import { performance as watch } from "node:perf_hooks";
      const attempts = [
        () => later(() => {}, 1), () => soon(() => {}), () => promisedLater(1), () => readFile("x"),
        () => writeFileSync("x", ""), () => randomBytes(1), () => randomUUID(), () => connect(1),
        () => gzip("x", () => {}), () => watch.now(),
      ];
    `;
    const evil = `
      for (const attempt of attempts) {
        try { attempt(); } catch ({ details }) { console.log(details.what); }
      }
    `;
    const after = `
      await sim.run("10s").catch(({ code }) => console.log(code));
      sim.close();
      console.log(sim.failures.length, randomBytes(3).length, watch.now() > 0);
    `;
    const { stdout, stderr } = await run(simulating(evil, imports) + after);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "timers.setTimeout",
      "timers.setImmediate",
      "timers.promises.setTimeout",
      "fs.promises.readFile",
      "fs.writeFileSync",
      "crypto.randomBytes",
      "crypto.randomUUID",
      "net.connect",
      "zlib.gzip",
      "performance.now",
      "ERR_SIMULATION_ESCAPED",
      "10 3 true",
    ]);
  });

  test("an import() that must load a module is found by the thorough guard, whatever hooks load it", async () => {
    const evil = 'void import("@foundation/core/ports");';
    const program = simulating(evil, "").replace("watchdogMs", 'guard: "thorough", watchdogMs');
    const after = `
      await sim.run("10s").catch(({ code, details }) => console.log(code, details.what, details.node));
      sim.close();
    `;
    const { stdout, stderr } = await run(program + after);
    expect(stderr).toBe("");
    expect(stdout.trim()).toBe(
      "ERR_SIMULATION_ESCAPED import() of a module that was not loaded before the simulation evil",
    );
  });
});
