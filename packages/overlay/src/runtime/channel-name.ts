/** The name of a channel that is used for the first time, checked. */
import { coreErrors } from "@foundation/core";
import { LINK } from "../limits.js";
import { isChannelName } from "../protocol/handshake/messages.js";
import { COORDINATION } from "./dial-targets.js";

/**
 * @param known how many channels the peer has
 * @throws {ERR_INVALID_ARGUMENT}
 */
export function checkNewChannel(channel: string, known: number): void {
  const fail = (expected: string) => {
    const found = String(channel).slice(0, 80);
    throw coreErrors.ERR_INVALID_ARGUMENT(`channel must be ${expected}, found "${found}"`, {
      argument: "channel",
      expected,
      found,
    });
  };
  if (!isChannelName(channel))
    fail("1 to 64 characters of a-z 0-9 . _ - beginning with a letter or digit");
  if (channel === COORDINATION)
    fail(`another one than "${COORDINATION}", which is membership's own`);
  if (known >= LINK.channelsMax) fail(`one of at most ${LINK.channelsMax} names`);
}
