import { expect, test } from "@jest/globals";
import { recordingLogger } from "@foundation/core/testing";
import { levelLogger } from "../../../src/runtime/level-logger.js";

test("a level holds for children too, also for those that were made before it was changed", () => {
  const target = recordingLogger();
  const logger = levelLogger(target, "warn");
  const child = logger.child({ node: "a" });
  const say = () => {
    for (const each of [logger, child]) {
      each.debug("d");
      each.info("i");
      each.warn("w");
      each.error("e");
    }
    const said = target.lines.map(({ message }) => message).join("");
    target.clear();
    return said;
  };
  expect(say()).toBe("wewe");
  logger.setLevel("debug");
  expect(say()).toBe("diwediwe");
  logger.setLevel("error");
  expect(say()).toBe("ee");
  logger.setLevel("silent");
  expect(say()).toBe("");
});
