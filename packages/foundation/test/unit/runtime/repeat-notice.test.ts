import { expect, test } from "@jest/globals";
import { recordingLogger, virtualClock } from "@foundation/core/testing";
import { repeatNotice } from "../../../src/runtime/repeat-notice.js";

test("a notice is said at once, then at each interval while it is true, and never after its end", async () => {
  const clock = virtualClock();
  const logger = recordingLogger();
  let text: string | undefined = "INSECURE";
  const end = repeatNotice({ clock, logger }, 60_000, () => text);
  expect(logger.lines).toHaveLength(1);
  await clock.advance(120_000);
  expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
  text = undefined;
  await clock.advance(120_000);
  expect(logger.lines).toHaveLength(3);
  end();
  expect(clock.pendingTimers).toBe(0);
});
