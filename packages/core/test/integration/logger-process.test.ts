import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const logger = pathToFileURL(`${import.meta.dirname}/../../src/logger/index.ts`).href;
const args = ["--conditions=@foundation/source", "--import", import.meta.resolve("tsx")];

/** Runs a program with `logger` and `pinoIsLoaded()` at hand; what it said on both its outputs. */
async function run(program: string): Promise<{ stdout: string; messages: readonly unknown[] }> {
  const code = `
    import { createRequire } from "node:module";
    import { pinoLogger } from "${logger}";
    const loaded = createRequire("${logger}").cache;
    const pinoIsLoaded = () => Object.keys(loaded).some((file) => file.endsWith("/pino.js"));
    ${program}`;
  const node = [...args, "--input-type=module", "--eval", code];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, node).catch(
    (error: { readonly stdout: string; readonly stderr: string }) => error,
  );
  const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
  return { stdout, messages: lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg) };
}

test("pino is loaded for the first line that is written, and for no other", async () => {
  const { stdout, messages } = await run(`
    const logger = pinoLogger({ level: "warn" }).child({ node: "a" });
    logger.info("not written");
    console.log(pinoIsLoaded());
    logger.warn("written");
    console.log(pinoIsLoaded());`);
  expect(stdout).toBe("false\ntrue\n");
  expect(messages).toEqual(["written"]);
});

test("lines of several loggers keep their order, and none is lost when the process exits", async () => {
  const { messages } = await run(`
    const [a, b] = [pinoLogger(), pinoLogger().child({ node: "b" })];
    for (let n = 0; n < 500; n += 1) (n % 2 ? a : b).info(String(n));
    process.exit(1);`);
  expect(messages).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
});

test("what is logged of an uncaught error is written", async () => {
  const { messages } = await run(`
    const logger = pinoLogger();
    process.on("uncaughtExceptionMonitor", () => logger.error("it ends"));
    throw new Error("uncaught");`);
  expect(messages).toEqual(["it ends"]);
});

test("a first line while the process exits is written", async () => {
  const { messages } = await run(`
    process.on("exit", () => logger.info("it exits"));
    const logger = pinoLogger();`);
  expect(messages).toEqual(["it exits"]);
});
