import { beforeEach, describe, expect, test } from "@jest/globals";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import type { ChannelOptions } from "../../../src/channels/channel.js";
import { Channels } from "../../../src/channels/channels.js";
import { limits } from "../../../src/limits.js";

type Configured = { readonly name: string } & ChannelOptions;

function channelsOf(configured: readonly (string | Configured)[] = []) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes: ["a", "b"] });
  const { messenger, membership } = cluster.node("a");
  const told: Configured[] = [];
  const configure = (options: Configured) => void told.push(options);
  const ports = { messenger, membership, clock, links: () => [] };
  return { told, channels: new Channels({ ...ports, configured, configure }) };
}

describe("opening a channel", () => {
  let { channels, told } = channelsOf();
  beforeEach(() => {
    ({ channels, told } = channelsOf());
  });

  test("gives the same handle for the same name, and tells the overlay its options once", () => {
    const bulk = channels.open("bulk", { parallelism: 4 });
    expect(channels.open("bulk", { parallelism: 4 })).toBe(bulk);
    expect(channels.open("bulk")).toBe(bulk);
    expect(channels.open("bulk", {})).toBe(bulk);
    expect(told).toEqual([{ name: "bulk", parallelism: 4 }]);
  });

  test("without options tells nothing: what the overlay does by itself is meant", () => {
    channels.open("bulk");
    expect(told).toEqual([]);
  });

  test("saying a default is the same as not saying it", () => {
    const gauges = channels.open("gauges", { monotonic: true });
    expect(channels.open("gauges", { monotonic: true, delivery: "reliable", parallelism: 1 })).toBe(
      gauges,
    );
  });

  test("with other options than before is refused, naming both", () => {
    channels.open("bulk", { parallelism: 4 });
    expect(() => channels.open("bulk", { parallelism: 2, priority: 0 })).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message:
          'Channel "bulk" has one set of options on a node: expected parallelism 4, priority 1, as it was ' +
          "opened, found parallelism 2, priority 0. Give it the same options everywhere, or put them into " +
          "overlay.channels and give none here.",
      }),
    );
  });

  test("takes the configuration's options, and refuses others with where they stand", () => {
    ({ channels, told } = channelsOf(["plain", { name: "bulk", parallelism: 4 }]));
    channels.open("bulk");
    channels.open("bulk", { parallelism: 4 });
    channels.open("plain", { priority: 0 });
    expect(told).toEqual([{ name: "plain", priority: 0 }]);
    expect(() => channels.open("bulk", { parallelism: 2 })).toThrow(/as overlay\.channels has it/);
  });

  test.each(["coordination", "raft", "processes", "state", "events", "telemetry", "data"])(
    "%s is the framework's: the error says so and proposes a name",
    (name) => {
      expect(() => channels.open(name)).toThrow(
        expect.objectContaining({
          code: "ERR_INVALID_ARGUMENT",
          message: expect.stringMatching(new RegExp(`framework's own.*"app\\.${name}"`)),
        }),
      );
      expect(channels.open(`app.${name}`).name).toBe(`app.${name}`);
    },
  );

  test.each(["", "Bulk", "-bulk", "b ulk", "b".repeat(65), 7, undefined, "constructor!"])(
    "%j is no name",
    (name) => {
      expect(() => channels.open(name as string)).toThrow(/1 to 64 characters of a-z 0-9/);
    },
  );

  test.each([[{ lanes: 4 }], [[4]], [null], ["fast"]])("%j are no options", (options) => {
    expect(() => channels.open("bulk", options as ChannelOptions)).toThrow(
      /options of channel "bulk" must be options among parallelism/,
    );
    expect(told).toEqual([]);
  });

  test("what the overlay refuses leaves no channel behind", () => {
    let refusing = true;
    const { messenger, membership } = memoryCluster({ clock: virtualClock() }).node(0);
    const options = { messenger, membership, clock: virtualClock(), links: () => [] };
    const configure = () => {
      if (refusing) throw new RangeError("too many lanes");
    };
    const strict = new Channels({ ...options, configured: [], configure });
    expect(() => strict.open("bulk", { parallelism: 16 })).toThrow("too many lanes");
    refusing = false;
    expect(strict.open("bulk", { parallelism: 2 }).name).toBe("bulk");
  });

  test("has a limit", () => {
    for (let i = 0; i < limits.channelsMax; i += 1) channels.open(`c${i}`);
    expect(() => channels.open("one-more")).toThrow(/at most 48 channels/);
    expect(channels.open("c0").name).toBe("c0");
  });

  test("ends with the cluster", () => {
    channels.close();
    expect(() => channels.open("bulk")).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });
});
