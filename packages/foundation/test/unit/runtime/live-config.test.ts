import { describe, expect, test } from "@jest/globals";
import { effectiveConfig } from "../../../src/config/effective-config.js";
import { defaults } from "../../../src/config/profiles.js";
import { liveConfig, type Carriers } from "../../../src/runtime/live-config.js";
import type { ClusterConfig } from "../../../src/index.js";

const first = "Zk0wq1TzZf3p2G8s7Vb5nXcLhYt4Rr6Ee9Uu0Aa1Ii=";
const second = "Qm2xw3SyYg4o1H9r6Wa4mZdKjXs5Qq7Dd8Tt1Bb2Oo=";

function live(options: ClusterConfig = {}) {
  const layers = [
    { name: "defaults", values: { ...defaults, name: "shop", cluster: "local" } },
    { name: "options", values: { ...options } },
  ];
  const config = liveConfig(effectiveConfig({ layers, cwd: "/", ownAuthentication: false }));
  const carried: string[] = [];
  const carriers: Carriers = new Map(
    ["security.secret", "shutdown.timeout"].map((path) => [path, () => carried.push(path)]),
  );
  const reconfigure = (patch: unknown) => config.reconfigure(patch as ClusterConfig, carriers);
  return { config, carried, reconfigure };
}

describe("a change of the running configuration", () => {
  test("is in force, carried into the parts, and explained as the layer reconfigure", () => {
    const { config, carried, reconfigure } = live({ security: { secret: first } });
    reconfigure({ security: { secret: [second, first] } });
    expect(config.values.security.secret).toEqual([second, first]);
    expect(carried).toEqual(["security.secret"]);
    const shown = config.explain().find(({ path }) => path === "security.secret");
    expect(shown).toEqual({ path: "security.secret", value: "[secret]", layer: "reconfigure" });
  });

  test("adds to the changes before it", () => {
    const { config, reconfigure } = live();
    reconfigure({ security: { secret: first } });
    reconfigure({ shutdown: { timeout: "1s" } });
    const layers = config.explain().filter(({ layer }) => layer === "reconfigure");
    expect(layers.map(({ path }) => path)).toEqual(["security.secret", "shutdown.timeout"]);
  });

  test("that changes nothing is carried nowhere", () => {
    const { carried, reconfigure } = live({
      security: { secret: [first, second] },
      peers: ["a:1"],
    });
    reconfigure({});
    reconfigure({ security: { secret: [first, second] }, peers: ["a:1"], name: "shop" });
    expect(carried).toEqual([]);
  });

  test("of what is fixed names every path and what may change, and changes nothing of the patch", () => {
    const { config, carried, reconfigure } = live();
    const patch = { name: "other", overlay: { port: 1 }, shutdown: { timeout: "1s" } };
    expect(() => reconfigure(patch)).toThrow(
      expect.objectContaining({
        code: "ERR_RESTART_REQUIRED",
        message: expect.stringMatching(/^name, overlay\.port change only with a restart/),
        details: {
          paths: ["name", "overlay.port"],
          changeable: ["security.secret", "shutdown.timeout"],
        },
      }),
    );
    expect(config.values.shutdown.timeout).toBe("10s");
    expect(carried).toEqual([]);
  });

  test.each([
    ["an unknown option", { sekurity: {} }, "ERR_CONFIG_INVALID"],
    ["a wrong value", { shutdown: { timeout: "soon" } }, "ERR_CONFIG_INVALID"],
    ["a ring without a secret", { security: { secret: [] } }, "ERR_CONFIG_INVALID"],
    ["no object", "secret", "ERR_INVALID_ARGUMENT"],
    ["null", null, "ERR_INVALID_ARGUMENT"],
  ])("%s is refused as in any layer, and leaves no trace", (_what, patch, code) => {
    const { config, reconfigure } = live();
    const before = JSON.stringify(config.explain());
    expect(() => reconfigure(patch)).toThrow(expect.objectContaining({ code }));
    expect(JSON.stringify(config.explain())).toBe(before);
  });

  test("keeps what production asks of secrets", () => {
    const production = { profile: "production", overlay: { host: "10.0.0.7" } } as const;
    const { reconfigure } = live({ ...production, security: { secret: first } });
    expect(() => reconfigure({ security: { secret: "sixteen-letters!" } })).toThrow(
      /security\.secret \[reconfigure\]: expected a secret of 32 random bytes/,
    );
    reconfigure({ security: { secret: [first, second] } });
  });
});
