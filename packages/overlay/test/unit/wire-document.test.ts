/** docs/protocol/wire.md is what the code does, as far as a machine can tell. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { createCodec } from "@foundation/core";
import { refusalCodes } from "../../src/errors.js";
import { DOOR, FAIR, LOAD, FLOW, FRAME, HANDSHAKE, LINK, RPC, SUBJECT } from "../../src/limits.js";
import { BatchWriter } from "../../src/protocol/batch.js";
import { Flag, MessageType } from "../../src/protocol/frame.js";
import { hashOf } from "../../src/protocol/subject.js";
import { PATH, SERVER, SOCKET, SUBPROTOCOL } from "../../src/websocket/options.js";
import { acceptorOf, dialerOf, runBoth } from "../support/handshakes.js";

const page = readFileSync(new URL("../../../../docs/protocol/wire.md", import.meta.url), "utf8");
const groups: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  DOOR,
  FAIR,
  LOAD,
  FLOW,
  FRAME,
  HANDSHAKE,
  LINK,
  RPC,
  SERVER,
  SOCKET,
  SUBJECT,
};
const units: Readonly<Record<string, number>> = { KiB: 1_024, MiB: 1_024 ** 2 };

describe("docs/protocol/wire.md", () => {
  const rows = [...page.matchAll(/^\| `([A-Z]+)\.(\w+)` \| ([\d. ]+?) ?(KiB|MiB|ms|bytes)? \|/gm)];

  test("names more than twenty limits", () => {
    expect(rows.length).toBeGreaterThan(20);
  });

  test.each(
    rows.map(([, group = "", name = "", digits = "", unit = ""]) => ({
      group,
      name,
      digits,
      unit,
    })),
  )("gives $group.$name its value", ({ group, name, digits, unit }) => {
    const value = Number(digits.replaceAll(" ", "")) * (units[unit] ?? 1);
    expect({ [name]: value }).toEqual({ [name]: groups[group]?.[name] });
  });

  test("lists every code of a refusal", () => {
    const listed = [...page.matchAll(/^\| `(ERR_\w+)` \| /gm)].map(([, code]) => code);
    expect(listed.toSorted()).toEqual([...refusalCodes].toSorted());
  });

  test("numbers the types of messages and the flags", () => {
    const listed = [...page.matchAll(/^\| (\d+) \| (\w+) \| /gm)].map(([, at, name]) => [
      name,
      Number(at),
    ]);
    expect(Object.fromEntries(listed)).toEqual(MessageType);
    for (const [name, bit] of Object.entries(Flag)) expect(page).toContain(`| ${bit} | ${name}: `);
  });

  test("lists the fields that a handshake carries", () => {
    const { wire } = runBoth(dialerOf(), acceptorOf());
    for (const { bytes } of wire) {
      const { type, ...fields } = JSON.parse(new TextDecoder().decode(bytes)) as { type: string };
      const row = page
        .split("\n")
        .find((line) => new RegExp(`^\\| .*\`${type}\`.* \\| \``).test(line));
      for (const field of Object.keys(fields)) expect(row).toContain(`\`${field}\``);
    }
    expect(page).toContain(`\`${PATH}\``);
    expect(page).toContain(`\`${SUBPROTOCOL}\``);
  });

  test("shows the bytes of a request", () => {
    const frames: Uint8Array[] = [];
    const batch = new BatchWriter(FRAME.batchBytes, (frame) => frames.push(frame));
    const payload = createCodec().encode("ping");
    batch.append(MessageType.request, 0, hashOf("a"), 7, 5_000, undefined, payload);
    batch.seal();
    const shown = /without a trace:\n\n```\n([^`]+)```/.exec(page)?.[1] ?? "";
    const bytes = shown
      .split("\n")
      .flatMap((line) => line.slice(0, 28).match(/\b[0-9a-f]{2}\b/g) ?? []);
    expect(bytes.join(" ")).toBe(
      Buffer.from(frames[0] ?? [])
        .toString("hex")
        .replace(/(..)(?=.)/g, "$1 "),
    );
  });
});
