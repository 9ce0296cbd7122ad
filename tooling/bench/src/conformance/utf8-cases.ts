/**
 * Group 6 of the Autobahn suite: UTF-8 in text messages, whole, in fragments of one octet and cut
 * inside a character; 6.5 to 6.23 are the sequences of Markus Kuhn's decoder test.
 */
import {
  fragments,
  frameOf,
  message,
  NORMAL,
  send,
  type Case,
  type Ending,
  type Step,
} from "./case.js";
import { Opcode } from "./raw-frames.js";

const { continuation, text } = Opcode;
const hex = (digits: string) => Buffer.from(digits.replaceAll(" ", ""), "hex");
const KOSME = "ce ba e1 bd b9 cf 83 ce bc ce b5";
const EDITED = "65 64 69 74 65 64";
/** Long enough that a reader which fails late is caught waiting. */
const WAIT: Step = { type: "wait", durationMs: 200 };
const NOT_UTF8: Ending = { type: "closed", codes: [1007], drop: true };

function valid(id: string, about: string, payload: Buffer, steps: readonly Step[]): Case {
  return { id, about, steps, received: [[message(payload)]], ending: NORMAL };
}

function invalid(id: string, about: string, steps: readonly Step[]): Case {
  return { id, about, steps, received: [[]], ending: NOT_UTF8 };
}

function wholeAndFragmented(): Case[] {
  const empty = Buffer.alloc(0);
  const middle = Buffer.from("middle frame payload");
  const three = (payload: Buffer) => [
    send(frameOf(text, "", { fin: false })),
    send(frameOf(continuation, payload, { fin: false })),
    send(frameOf(continuation)),
  ];
  const mixed = Buffer.from("Hello-µ@ßöäüàá-UTF-8!!");
  const cut = Buffer.byteLength("Hello-µ@ßöä");
  const halves = [
    send(frameOf(text, mixed.subarray(0, cut), { fin: false })),
    send(frameOf(continuation, mixed.subarray(cut))),
  ];
  const bad = hex(`${KOSME} ed a0 80 ${EDITED}`);
  return [
    valid("6.1.1", "empty text", empty, [send(frameOf(text))]),
    valid("6.1.2", "three empty fragments", empty, three(empty)),
    valid("6.1.3", "empty, full, empty fragment", middle, three(middle)),
    valid("6.2.1", "UTF-8 in one fragment", mixed, [send(frameOf(text, mixed))]),
    valid("6.2.2", "UTF-8 cut between characters", mixed, halves),
    valid("6.2.3", "UTF-8 in fragments of one octet", mixed, fragments(text, mixed, 1)),
    valid("6.2.4", "Greek in fragments of one octet", hex(KOSME), fragments(text, hex(KOSME), 1)),
    invalid("6.3.1", "a surrogate, whole", [send(frameOf(text, bad))]),
    invalid("6.3.2", "a surrogate, in fragments of one octet", fragments(text, bad, 1)),
  ];
}

/** A code point out of range, with pauses: strict readers fail at the octet that makes it so. */
function failFast(): Case[] {
  const bad = hex(`${KOSME} f4 90 80 80 ${EDITED}`);
  const inFrames = (a: number, b: number): Step[] => [
    send(frameOf(text, bad.subarray(0, a), { fin: false })),
    WAIT,
    send(frameOf(continuation, bad.subarray(a, b), { fin: false })),
    WAIT,
    send(frameOf(continuation, bad.subarray(b))),
  ];
  const inChops = (...pausesAt: number[]): Step[] => [
    { type: "send", frame: frameOf(text, bad), pausesAt },
  ];
  return [
    invalid("6.4.1", "out of range in the second of three frames", inFrames(11, 15)),
    invalid("6.4.2", "the same, cut at the bad octet", inFrames(12, 13)),
    invalid("6.4.3", "out of range in the second chop of a frame", inChops(11, 15)),
    invalid("6.4.4", "the same, cut at the bad octet", inChops(12, 13)),
  ];
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function prefixes(): [boolean, Buffer][] {
  const all = hex(KOSME);
  const ends = new Set([2, 5, 7, 9, 11]);
  return range(1, all.length + 1).map((end) => [ends.has(end), all.subarray(0, end)]);
}

function lonelyStarts(): [boolean, Buffer][] {
  const ranges: [number, number][] = [
    [0xc0, 0xdf],
    [0xe0, 0xef],
    [0xf0, 0xf7],
    [0xf8, 0xfb],
    [0xfc, 0xfd],
  ];
  return ranges.map(([from, to]) => [
    false,
    Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20])),
  ]);
}

function nonCharacters(): [boolean, Buffer][] {
  const ends = ["be", "bf"];
  const planes = ["f0", "f1", "f2", "f3", "f4"].flatMap((first) =>
    ["8f", "9f", "af", "bf"]
      .filter((second) => (first !== "f4" || second === "8f") && first + second !== "f08f")
      .flatMap((second) => ends.map((end) => `${first} ${second} bf ${end}`)),
  );
  return all(true, "ef bf be", "ef bf bf", ...planes);
}

const all = (isValid: boolean, ...sequences: string[]): [boolean, Buffer][] =>
  sequences.map((each) => [isValid, hex(each)]);

function sequences(): [string, [boolean, Buffer][]][] {
  const world = (digits: string) =>
    Buffer.concat([Buffer.from("hello"), hex(digits), Buffer.from("world")]);
  const incomplete = ["c0", "e0 80", "f0 80 80", "f8 80 80 80", "fc 80 80 80 80"];
  incomplete.push("df", "ef bf", "f7 bf bf", "fb bf bf bf", "fd bf bf bf bf");
  const continuations = range(1, 7).map((n) => "80bf80bf80bf".slice(0, 2 * n));
  return [
    [
      "valid sequences",
      [
        ...["24", "c2a2", "e282ac", "f0a4ada2"].map((d): [boolean, Buffer] => [true, world(d)]),
        [true, hex(KOSME)],
      ],
    ],
    ["prefixes of a valid text", prefixes()],
    ["first of each length", all(true, "00", "c2 80", "e0 a0 80", "f0 90 80 80")],
    ["first of 5 and 6 octets", all(false, "f8 88 80 80 80", "fc 84 80 80 80 80")],
    ["last of each length", all(true, "7f", "df bf", "ef bf bf", "f4 8f bf bf")],
    ["last of 4 to 6 octets", all(false, "f7 bf bf bf", "fb bf bf bf bf", "fd bf bf bf bf bf")],
    [
      "other boundaries",
      [
        ...all(true, "ed 9f bf", "ee 80 80", "ef bf bd", "f4 8f bf bf"),
        ...all(false, "f4 90 80 80"),
      ],
    ],
    [
      "unexpected continuations",
      [
        ...all(false, "80", "bf", ...continuations.slice(1)),
        [false, Buffer.from(range(0x80, 0xbf))],
      ],
    ],
    ["lonely starts", lonelyStarts()],
    ["last continuation missing", all(false, ...incomplete)],
    ["incomplete ones joined", all(false, incomplete.join(" "))],
    ["impossible octets", all(false, "fe", "ff", "fe fe ff ff")],
    [
      "overlong ASCII",
      all(false, "c0 af", "e0 80 af", "f0 80 80 af", "f8 80 80 80 af", "fc 80 80 80 80 af"),
    ],
    [
      "longest overlong",
      all(false, "c1 bf", "e0 9f bf", "f0 8f bf bf", "f8 87 bf bf bf", "fc 83 bf bf bf bf"),
    ],
    [
      "overlong NUL",
      all(false, "c0 80", "e0 80 80", "f0 80 80 80", "f8 80 80 80 80", "fc 80 80 80 80 80"),
    ],
    [
      "single surrogates",
      all(
        false,
        "ed a0 80",
        "ed ad bf",
        "ed ae 80",
        "ed af bf",
        "ed b0 80",
        "ed be 80",
        "ed bf bf",
      ),
    ],
    [
      "paired surrogates",
      ["a0 80", "ad bf", "ae 80", "af bf"].flatMap((high) =>
        all(false, `ed ${high} ed b0 80`, `ed ${high} ed bf bf`),
      ),
    ],
    ["non-characters, valid", nonCharacters()],
    [
      "specials",
      all(true, "ef bf b9", "ef bf ba", "ef bf bb", "ef bf bc", "ef bf bd", "ef bf be", "ef bf bf"),
    ],
  ];
}

const FIRST_SEQUENCE_GROUP = 5;

export function utf8Cases(): Case[] {
  const decoder = sequences().flatMap(([about, list], group) =>
    list.map(([isValid, payload], i) => {
      const id = `6.${FIRST_SEQUENCE_GROUP + group}.${i + 1}`;
      const steps = [send(frameOf(text, payload))];
      return isValid ? valid(id, about, payload, steps) : invalid(id, about, steps);
    }),
  );
  return [...wholeAndFragmented(), ...failFast(), ...decoder];
}
