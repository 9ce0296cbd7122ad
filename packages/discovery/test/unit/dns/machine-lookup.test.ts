import { expect, test } from "@jest/globals";
import { fewAtOnce } from "../../../src/dns/machine-lookup.js";
import { discoveryLimits } from "../../../src/limits.js";

test("of one name one look-up is under way, and few of all names", async () => {
  const asked: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const find = fewAtOnce((host) => {
    asked.push(host);
    return new Promise((resolve, reject) => {
      ends.set(host, (error) => (error === undefined ? resolve([`of ${host}`]) : reject(error)));
    });
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const a = [find("a"), find("a"), find("a")];
  const others = ["b", "c", "d"].map(find);
  expect(asked).toEqual(["a", "b"]);
  expect(asked).toHaveLength(discoveryLimits.lookupsMax);
  ends.get("a")?.();
  expect(await Promise.all(a)).toEqual([["of a"], ["of a"], ["of a"]]);
  await settle();
  expect(asked).toEqual(["a", "b", "c"]);
  ends.get("b")?.(new Error("EAI_AGAIN"));
  await expect(others[0]).rejects.toThrow("EAI_AGAIN");
  await settle();
  expect(asked).toEqual(["a", "b", "c", "d"]);
  const again = find("b");
  ends.get("c")?.();
  ends.get("d")?.();
  await Promise.all(others.slice(1));
  await settle();
  expect(asked).toEqual(["a", "b", "c", "d", "b"]);
  ends.get("b")?.();
  expect(await again).toEqual(["of b"]);
});
