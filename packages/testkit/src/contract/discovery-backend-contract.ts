/**
 * discoveryBackendContract: what every DiscoveryStrategy with a backend must do when that backend fails: keep the last
 * good set, say so, ask ever more rarely, and stop at once when told to.
 */
import type { DiscoveryBackendSetup } from "./discovery-backend.js";
import { discoveryChecks } from "./discovery-checks.js";
import type { ContractRunner } from "./runner.js";

/**
 * Runs the suite against one strategy and its backend.
 *
 * @example
 * ```ts
 * import { describe, test } from "@jest/globals"
 * import { discoveryBackendContract, type DiscoveryBackend } from "@foundation/testkit"
 *
 * declare function zoneBackend(): Promise<DiscoveryBackend>
 *
 * discoveryBackendContract({ describe, test }, {
 *   create: zoneBackend,
 *   failures: ["error", "not-found", "empty"],
 *   pace: { requests: 1, perMs: 1_000 },
 *   retryMaxMs: 30_000,
 * })
 * ```
 */
export function discoveryBackendContract(
  runner: ContractRunner,
  setup: DiscoveryBackendSetup,
): void {
  runner.describe("discovery and its backend", () => {
    for (const check of discoveryChecks(setup)) {
      runner.test(check.says, async () => {
        await check.run(setup);
      });
    }
  });
}
