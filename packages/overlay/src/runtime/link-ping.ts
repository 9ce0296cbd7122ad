/** pingLink: one round trip to a member, for applications, health and measurements. */
import {
  coreErrors,
  parseDuration,
  type Clock,
  type Duration,
  type NodeId,
} from "@foundation/core";
import { FAIR, FLOW } from "../limits.js";
import { COORDINATION } from "./dial-targets.js";
import { unreachable } from "./messenger-errors.js";
import type { PeerTable } from "./peer-table.js";

export interface PingOptions {
  readonly channel?: string;
  readonly payload?: Uint8Array;
  readonly timeout?: Duration;
}

/**
 * @throws {ERR_INVALID_ARGUMENT} for a payload that is too large
 * @throws {ERR_NODE_UNREACHABLE} there is no link that is up @throws {ERR_TIMEOUT} no answer came
 * @throws {ERR_QUEUE_FULL} more than FAIR.pingsAskedPerSecondMax in a second over one link
 */
export function pingLink(
  table: PeerTable,
  clock: Clock,
  to: NodeId,
  { channel = COORDINATION, payload = new Uint8Array(0), timeout = "1s" }: PingOptions,
): Promise<{ readonly roundTripMs: number }> {
  return new Promise((resolve, reject) => {
    if (payload.length > FLOW.pingBytesMax) throw tooLarge(payload.length);
    const timeoutMs = parseDuration(timeout, "timeout");
    const peer = table.peer(to);
    const link = channel === COORDINATION ? peer?.coordination : peer?.channels.get(channel)?.[0];
    if (link?.isUp !== true) throw unreachable(to, `no link of channel "${channel}" to it is up`);
    if (!link.mayPing()) throw tooMany(to);
    const startedMs = clock.now();
    link.ping(
      timeoutMs,
      (alive) => {
        if (alive) return resolve({ roundTripMs: clock.now() - startedMs });
        reject(noAnswer(to, channel, timeoutMs));
      },
      payload,
    );
  });
}

function noAnswer(target: NodeId, channel: string, timeoutMs: number): Error {
  return coreErrors.ERR_TIMEOUT(
    `Node ${target} did not answer a ping on channel "${channel}" within ${timeoutMs} ms, or its connection broke`,
    { timeoutMs, target },
  );
}

function tooMany(target: NodeId): Error {
  const limit = FAIR.pingsAskedPerSecondMax;
  return coreErrors.ERR_QUEUE_FULL(
    `Node ${target} was asked for ${limit} signs of life within a second over this link: ask less often`,
    { queue: "pings", limit, unit: "messages" },
  );
}

function tooLarge(sizeBytes: number): Error {
  const expected = `of at most ${FLOW.pingBytesMax} bytes`;
  return coreErrors.ERR_INVALID_ARGUMENT(`payload must be ${expected}, found ${sizeBytes}`, {
    argument: "payload",
    expected,
    found: `${sizeBytes} bytes`,
  });
}
