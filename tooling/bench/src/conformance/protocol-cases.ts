/** Groups 1 to 5 and 7 of the Autobahn suite: framing, pings, reserved bits and opcodes, fragments, closing. */
import {
  close,
  FAILED,
  frameOf,
  message,
  NORMAL,
  pong,
  send,
  type Case,
  type Ending,
  type Step,
} from "./case.js";
import { Opcode } from "./raw-frames.js";

const { continuation, text, binary, ping } = Opcode;
const PONG = Opcode.pong;
const CLOSE = Opcode.close;
const HELLO = "Hello, world!";
const BYTES = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);

/** Of text, then of binary messages: lengths around each form of the length field. */
function framing(): Case[] {
  const sizes = [0, 125, 126, 127, 128, 65_535, 65_536, 65_536];
  return [text, binary].flatMap((opcode, kind) =>
    sizes.map((size, i): Case => {
      const payload = Buffer.alloc(size, kind === 0 ? "*" : 0xfe);
      const chopBytes = i === 7 ? 997 : undefined;
      return {
        id: `1.${kind + 1}.${i + 1}`,
        about: `${kind === 0 ? "text" : "binary"} message of ${size} bytes${i === 7 ? " in chops of 997" : ""}`,
        steps: [send(frameOf(opcode, payload), chopBytes)],
        received: [[message(payload, kind === 1)]],
        ending: NORMAL,
      };
    }),
  );
}

function pings(): Case[] {
  const answered = [Buffer.alloc(0), Buffer.from(HELLO), BYTES, Buffer.alloc(125, 0xfe)];
  const unsolicited = "unsolicited pong payload";
  const ten = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
  const tenPings = (id: string, chopBytes?: number): Case => ({
    id,
    about: "ten pings",
    steps: ten.map((each) => send(frameOf(ping, each), chopBytes)),
    received: [ten.map((each) => pong(each))],
    ending: NORMAL,
  });
  return [
    ...answered.map(
      (payload, i): Case => ({
        id: `2.${i + 1}`,
        about: `ping of ${payload.length} bytes`,
        steps: [send(frameOf(ping, payload))],
        received: [[pong(payload)]],
        ending: NORMAL,
      }),
    ),
    failing("2.5", "ping of 126 bytes", [send(frameOf(ping, Buffer.alloc(126, 0xfe)))]),
    {
      id: "2.6",
      about: "ping of 125 bytes, octet by octet",
      steps: [send(frameOf(ping, Buffer.alloc(125, 0xfe)), 1)],
      received: [[pong(Buffer.alloc(125, 0xfe))]],
      ending: NORMAL,
    },
    ...["", unsolicited].map(
      (payload, i): Case => ({
        id: `2.${7 + i}`,
        about: `unsolicited pong of ${payload.length} bytes`,
        steps: [send(frameOf(PONG, payload))],
        received: [[]],
        ending: NORMAL,
      }),
    ),
    {
      id: "2.9",
      about: "unsolicited pong, then a ping",
      steps: [send(frameOf(PONG, unsolicited)), send(frameOf(ping, "ping payload"))],
      received: [[pong("ping payload")]],
      ending: NORMAL,
    },
    tenPings("2.10"),
    tenPings("2.11", 1),
  ];
}

/** The connection must be failed, before anything comes back. */
function failing(id: string, about: string, steps: readonly Step[]): Case {
  return { id, about, steps, received: [[]], ending: FAILED };
}

/** A good message, a bad frame, a ping: the echo may come, the pong must not. */
function failingAfterEcho(id: string, about: string, steps: readonly Step[]): Case {
  return { id, about, steps, received: [[message(HELLO)], []], ending: FAILED };
}

function reserved(): Case[] {
  const hello = (rsv: number) => frameOf(text, HELLO, { rsv });
  const after = (rsv: number, chopBytes?: number) => [
    send(frameOf(text, HELLO), chopBytes),
    send(hello(rsv), chopBytes),
    send(frameOf(ping), chopBytes),
  ];
  const opcodes = (first: number, group: string): Case[] => {
    const then = (opcode: number, payload: string, chopBytes?: number) => [
      send(frameOf(text, HELLO), chopBytes),
      send(frameOf(opcode, payload), chopBytes),
      send(frameOf(ping), chopBytes),
    ];
    const named = (at: number) => `reserved opcode ${first + at}`;
    return [
      failing(`${group}.1`, named(0), [send(frameOf(first))]),
      failing(`${group}.2`, named(1), [send(frameOf(first + 1, "reserved opcode payload"))]),
      failingAfterEcho(`${group}.3`, named(2), then(first + 2, "")),
      failingAfterEcho(`${group}.4`, named(3), then(first + 3, HELLO)),
      failingAfterEcho(`${group}.5`, named(4), then(first + 4, HELLO, 1)),
    ];
  };
  return [
    failing("3.1", "text with RSV 1", [send(hello(1))]),
    failingAfterEcho("3.2", "text, text with RSV 2, ping", after(2)),
    failingAfterEcho("3.3", "text, text with RSV 3, ping", after(3)),
    failingAfterEcho("3.4", "text, text with RSV 4, ping, octet by octet", after(4, 1)),
    failing("3.5", "binary with RSV 5", [send(frameOf(binary, BYTES, { rsv: 5 }))]),
    failing("3.6", "ping with RSV 6", [send(frameOf(ping, HELLO, { rsv: 6 }))]),
    failing("3.7", "close with RSV 7", [send(frameOf(CLOSE, "", { rsv: 7 }))]),
    ...opcodes(3, "4.1"),
    ...opcodes(11, "4.2"),
  ];
}

function fragmentation(): Case[] {
  const part = (opcode: number, n: number, fin: boolean) =>
    frameOf(opcode, `fragment${n}`, { fin });
  const both = message("fragment1fragment2");
  /** Frame-wise chops are what separate writes are; octet-wise ones are asked for. */
  const chops: readonly (number | undefined)[] = [undefined, undefined, 1];
  const controls = [ping, PONG].map((opcode, i) =>
    failing(`5.${i + 1}`, "fragmented control frame", [
      send(part(opcode, 1, false)),
      send(part(continuation, 2, true)),
    ]),
  );
  const two = chops.map(
    (chop, i): Case => ({
      id: `5.${3 + i}`,
      about: "two fragments",
      steps: [send(part(text, 1, false), chop), send(part(continuation, 2, true), chop)],
      received: [[both]],
      ending: NORMAL,
    }),
  );
  const pinged = chops.map(
    (chop, i): Case => ({
      id: `5.${6 + i}`,
      about: "a ping between two fragments",
      steps: [
        send(part(text, 1, false), chop),
        send(frameOf(ping, "ping payload"), chop),
        send(part(continuation, 2, true), chop),
      ],
      received: [[pong("ping payload"), both]],
      ending: NORMAL,
    }),
  );
  const nothing = [true, false].flatMap((fin, kind) =>
    chops.map((chop, i) =>
      failing(`5.${9 + 3 * kind + i}`, `continuation of nothing, FIN ${fin}`, [
        send(frameOf(continuation, "non-continuation payload", { fin }), chop),
        send(frameOf(text, HELLO), chop),
      ]),
    ),
  );
  const repeated = (id: string, fin: boolean) => {
    const once = [
      send(part(continuation, 1, fin)),
      send(part(text, 2, false)),
      send(part(continuation, 3, true)),
    ];
    return failing(id, `twice: continuation of nothing (FIN ${fin}), two fragments`, [
      ...once,
      ...once,
    ]);
  };
  const late: Case = {
    id: "5.15",
    about: "two fragments, then a continuation of nothing",
    steps: [
      send(part(text, 1, false)),
      send(part(continuation, 2, true)),
      send(part(continuation, 3, false)),
      send(part(text, 4, true)),
    ],
    received: [[both], []],
    ending: FAILED,
  };
  const opcodeTwice = failing("5.18", "both fragments say text", [
    send(part(text, 1, false)),
    send(part(text, 2, true)),
  ]);
  const slow = ["5.19", "5.20"].map(
    (id): Case => ({
      id,
      about: "five fragments with two pings and a pause",
      steps: [
        send(part(text, 1, false)),
        send(part(continuation, 2, false)),
        send(frameOf(ping, "pongme 1!")),
        { type: "wait", durationMs: 250 },
        send(part(continuation, 3, false)),
        send(part(continuation, 4, false)),
        send(frameOf(ping, "pongme 2!")),
        send(part(continuation, 5, true)),
      ],
      received: [
        [
          pong("pongme 1!"),
          pong("pongme 2!"),
          message("fragment1fragment2fragment3fragment4fragment5"),
        ],
      ],
      ending: NORMAL,
    }),
  );
  return [
    ...controls,
    ...two,
    ...pinged,
    ...nothing,
    late,
    repeated("5.16", false),
    repeated("5.17", true),
    opcodeTwice,
    ...slow,
  ];
}

function closing(): Case[] {
  const closed = (...codes: number[]): Ending => ({ type: "closed", codes, drop: false });
  const orDropped = (...codes: number[]): Ending => ({ type: "closed", codes, drop: true });
  const after = (id: string, about: string, ...steps: Step[]): Case => ({
    id,
    about,
    steps,
    received: [[]],
    ending: closed(1000),
  });
  const ended = (id: string, about: string, payload: Buffer, ending: Ending): Case => ({
    id,
    about,
    steps: [send({ opcode: CLOSE, payload })],
    received: [[]],
    ending,
  });
  const badText = Buffer.from("cebae1bdb9cf83cebcceb5eda080656469746564", "hex");
  const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
  const invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
  const big = Buffer.alloc(256 * 1024, "BAsd7&jh23");
  const say = send(frameOf(text, "Hello World!"));
  const goodbye = send(close(1000));
  return [
    {
      id: "7.1.1",
      about: "a message, then close",
      steps: [say],
      received: [[message("Hello World!")]],
      ending: NORMAL,
    },
    after("7.1.2", "two close frames", goodbye, send(frameOf(CLOSE))),
    after("7.1.3", "a ping after close", goodbye, send(frameOf(ping))),
    after("7.1.4", "a message after close", goodbye, say),
    after(
      "7.1.5",
      "a fragment, close, a fragment",
      send(frameOf(text, "fragment1", { fin: false })),
      goodbye,
      send(frameOf(continuation, "fragment2")),
    ),
    {
      id: "7.1.6",
      about: "256 KiB, a message, close, a ping",
      steps: [send(frameOf(text, big)), say, goodbye, send(frameOf(ping))],
      received: [[message(big), message("Hello World!")], [message(big)], []],
      ending: { type: "informational" },
    },
    // RFC 6455 §7.1.5: without a code 1005 stands for it locally; on the wire comes an empty answer or 1000.
    ended("7.3.1", "close without a code", Buffer.alloc(0), closed(1000, 1005)),
    ended("7.3.2", "close of one byte", Buffer.from("a"), orDropped(1002)),
    ended("7.3.3", "close with a code", close(1000).payload, closed(1000)),
    ended("7.3.4", "close with a reason", close(1000, HELLO).payload, closed(1000)),
    ended("7.3.5", "a reason of 123 bytes", close(1000, "*".repeat(123)).payload, closed(1000)),
    ended("7.3.6", "a reason of 124 bytes", close(1000, "*".repeat(124)).payload, orDropped(1002)),
    ended("7.5.1", "a reason not UTF-8", close(1000, badText).payload, orDropped(1002, 1007)),
    ...valid.map((code, i) =>
      ended(`7.7.${i + 1}`, `close code ${code}`, close(code).payload, closed(1000, code)),
    ),
    ...invalid.map((code, i) =>
      ended(`7.9.${i + 1}`, `invalid close code ${code}`, close(code).payload, orDropped(1002)),
    ),
    ...[5_000, 65_535].map((code, i) =>
      ended(`7.13.${i + 1}`, `close code ${code}`, close(code).payload, { type: "informational" }),
    ),
  ];
}

export function protocolCases(): Case[] {
  return [...framing(), ...pings(), ...reserved(), ...fragmentation(), ...closing()];
}
