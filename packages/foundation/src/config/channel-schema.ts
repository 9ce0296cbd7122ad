/**
 * What a channel's options may be, for the configuration and for `cluster.channel`. The overlay checks them again, since it
 * works alone too; here an error names the path and the layer.
 */
import * as v from "valibot";

const channelName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9._-]{0,63}$/,
    "1 to 64 characters of a-z 0-9 . _ -, beginning with a letter or digit",
  ),
);

const whole = (min: number, max: number, text = `a whole number from ${min} to ${max}`) =>
  v.pipe(v.number(text), v.integer(text), v.minValue(min, text), v.maxValue(max, text));

const KIB = 1024;
const MIB = 1024 * KIB;

export const namedChannelSchema = v.strictObject({
  name: channelName,
  parallelism: v.optional(whole(1, 16)),
  delivery: v.optional(v.picklist(["best", "reliable", "acked"])),
  monotonic: v.optional(v.boolean()),
  priority: v.optional(v.picklist([0, 1, 2, 3])),
  compression: v.optional(
    v.union(
      [
        v.boolean(),
        v.strictObject({
          thresholdBytes: whole(1, Number.MAX_SAFE_INTEGER, "a number of bytes from 1"),
        }),
      ],
      "true, false or { thresholdBytes }",
    ),
  ),
  overflow: v.optional(v.picklist(["block", "drop-newest", "drop-oldest", "error"])),
  windowBytes: v.optional(whole(64 * KIB, 16 * MIB, "a number of bytes from 65536 to 16777216")),
});

export const channelsSchema = v.array(
  v.union([channelName, namedChannelSchema], "a name, or { name, parallelism, … }"),
);
