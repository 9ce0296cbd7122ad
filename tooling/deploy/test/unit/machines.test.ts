/** The unit for systemd, its variables, and the files for Consul. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { loadConfig } from "../../../../packages/foundation/src/config/load-config.js";
import { pathOf, textOf } from "./manifests.js";

const systemd = await requires(
  "systemd-analyze",
  () => spawnSync("systemd-analyze", ["--version"]).status === 0,
);

/** `name=value` lines, by name; one that is given twice is refused. */
function assignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^([A-Z][A-Za-z_]+)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const key = name === "Environment" ? value.slice(0, value.indexOf("=")) : name;
    if (found.has(key)) throw new Error(`${key} is given twice`);
    found.set(key, name === "Environment" ? value.slice(value.indexOf("=") + 1) : value);
  }
  return found;
}

describe("the unit for systemd", () => {
  systemd.test("is one that systemd accepts without a warning", () => {
    const args = ["verify", "--man=no", pathOf("systemd/shop@.service")];
    const { status, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    const own = stderr.split("\n").filter((line) => line.includes("shop@"));
    expect({ status, own }).toEqual({ status: 0, own: [] });
  });

  test("gives a node time to drain, and signals only the node itself", () => {
    const unit = assignments(textOf("systemd/shop@.service"));
    expect(Number(unit.get("TimeoutStopSec"))).toBeGreaterThanOrEqual(30);
    expect(unit.get("KillMode")).toBe("mixed");
  });

  test("a node understands the variables of the unit and of its file", async () => {
    const unit = assignments(textOf("systemd/shop@.service"));
    const file = assignments(textOf("systemd/shop.env"));
    expect(file.get("FOUNDATION_SECRET")).toBe("");
    const all = [...unit, ...file].filter(([name]) => /^(FOUNDATION|CONSUL)_/.test(name));
    const env = Object.fromEntries(
      all.map(([name, value]) => [name, value.replace("%i", "4100").replace("%H", "host")]),
    );
    env["FOUNDATION_SECRET"] = "a secret of at least thirty-two characters";
    const { values, warnings } = await loadConfig({ cwd: "/" }, env);
    expect(warnings).toEqual([]);
    expect(values).toMatchObject({
      cluster: "consul",
      name: "shop",
      node: { name: "host-4100" },
      overlay: { port: 4100 },
    });
  });
});

describe("the files for Consul", () => {
  test("the service is a definition by Consul's names, with a check of the node's own port", () => {
    const { service, ...rest } = JSON.parse(textOf("consul/service.json"));
    expect(rest).toEqual({});
    const { check, ...fields } = service;
    expect(Object.keys(fields).sort()).toEqual(["id", "name", "port", "tags"]);
    expect(Object.keys(check).sort()).toEqual([
      "deregister_critical_service_after",
      "id",
      "interval",
      "name",
      "tcp",
      "timeout",
    ]);
    expect(check.tcp).toBe(`127.0.0.1:${service.port}`);
  });

  test("the policy lets a node write its own service and read machines, and no more", () => {
    const rules = [
      ...textOf("consul/policy.hcl").matchAll(/^(\w+) "([^"]*)" \{\s+policy = "(\w+)"/gm),
    ];
    expect(rules.map(([, kind, name, right]) => `${kind} "${name}": ${right}`)).toEqual([
      'service "shop": write',
      'node_prefix "": read',
    ]);
  });
});
