/** Command: what every command of this tool does alike: it reads its order, can be stopped, and says how it ended. */
import { BadOrder, type Environment } from "./arguments.js";

export const exitCodes = {
  ok: 0,
  failed: 1,
  badOrder: 2,
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
} as const;

export interface Command<Order> {
  readonly usage: string;
  /** @throws {BadOrder} */
  orderOf(args: readonly string[], env: Environment): Order;
  /** Its exit code, unless it is stopped; when the signal fires it ends what it has started. */
  carryOut(order: Order, signal: AbortSignal): Promise<number>;
}

/** Runs a command; gives its exit code, which is 128 and the signal's number when it was stopped. */
export async function runCommand<Order>(
  { usage, orderOf, carryOut }: Command<Order>,
  args: readonly string[],
  env: Environment,
): Promise<number> {
  if (args.includes("--help")) {
    console.log(usage);
    return exitCodes.ok;
  }
  let order: Order;
  try {
    order = orderOf(args, env);
  } catch (error) {
    if (!(error instanceof BadOrder)) throw error;
    console.error(`${error.message}\n${usage}`);
    return exitCodes.badOrder;
  }
  const stopping = new AbortController();
  let stopped: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      stopped ??= exitCodes[signal];
      stopping.abort();
    });
  }
  try {
    const code = await carryOut(order, stopping.signal);
    return stopped ?? code;
  } catch (error) {
    // What was stopped in the middle may fail for that.
    if (stopped === undefined) throw error;
    return stopped;
  }
}
