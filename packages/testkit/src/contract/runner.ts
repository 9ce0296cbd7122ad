/**
 * What a contract suite needs of a test runner.
 *
 * The suites assert with `node:assert` and take `describe` and `test` as an argument, so that jest, vitest and node's
 * own runner all do, and testkit depends on none of them.
 */

/** `describe` and `test` of any runner. */
export interface ContractRunner {
  readonly describe: (name: string, fn: () => void) => unknown;
  readonly test: (name: string, fn: () => Promise<void>, timeoutMs?: number) => unknown;
}

/** Makes tests that each get a fresh fixture; one with `close` is closed, whatever happened. */
export function testsWith<Fixture extends object>(
  runner: ContractRunner,
  create: () => Fixture | Promise<Fixture>,
): (name: string, run: (fixture: Fixture) => unknown) => void {
  return (name, run) => {
    runner.test(name, async () => {
      const fixture = await create();
      try {
        await run(fixture);
      } finally {
        await (fixture as { close?(): unknown }).close?.();
      }
    });
  };
}
