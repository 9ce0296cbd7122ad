/** run: finds the command that the arguments name, and says how it ended. */
import { isFoundationError } from "@foundation/core";
import { bootstrap, bootstrapUsage } from "./commands/consensus-bootstrap.js";
import { recover, recoverUsage } from "./commands/consensus-recover.js";
import { status, statusUsage } from "./commands/consensus-status.js";
import { BadArguments, type ExitCode, type Screen } from "./screen.js";

type Command = (args: readonly string[], screen: Screen) => Promise<ExitCode>;

const commands: Readonly<Record<string, Command>> = {
  "consensus bootstrap": bootstrap,
  "consensus recover": recover,
  "consensus status": status,
};

const usages = [statusUsage, bootstrapUsage, recoverUsage];
const usage = ["Usage: foundation <command>", ...usages].join("\n\n");

/**
 * Runs one command.
 *
 * @returns the exit code: 0 done, 1 failed or refused, 2 no such command or arguments, 3 it has to be confirmed
 *
 * @example
 * ```ts
 * import { run } from "@foundation/cli"
 *
 * const screen = { out: console.log, err: console.error }
 * const code = await run(["consensus", "recover", "--data-dir", "data/app-0"], screen)
 * ```
 */
export async function run(args: readonly string[], screen: Screen): Promise<number> {
  if (args.length === 0 || args.includes("--help")) {
    screen.out(usage);
    return args.length === 0 ? 2 : 0;
  }
  const name = Object.keys(commands).find((each) => isPrefix(each.split(" "), args));
  const command = name === undefined ? undefined : commands[name];
  if (name === undefined || command === undefined) {
    screen.err(`There is no command "${args.slice(0, 2).join(" ")}".\n${usage}`);
    return 2;
  }
  try {
    return await command(args.slice(name.split(" ").length), screen);
  } catch (error) {
    if (error instanceof BadArguments) {
      screen.err(`${error.message}\n${usage}`);
      return 2;
    }
    const isKnown = isFoundationError(error);
    screen.err(isKnown ? `${error.code}: ${error.message}` : String(error));
    if (args.includes("--json") && isKnown) {
      screen.out(JSON.stringify({ ok: false, code: error.code, message: error.message }));
    }
    return 1;
  }
}

function isPrefix(words: readonly string[], args: readonly string[]): boolean {
  return words.every((word, i) => args[i] === word);
}
