/** Groups 9 and 10 of the Autobahn suite: large messages, small fragments and chops, round trips, auto-fragments. */
import { fragments, frameOf, message, NORMAL, send, type Case, type Step } from "./case.js";
import { Opcode } from "./raw-frames.js";

const { text, binary } = Opcode;
const KIB = 1024;
const MIB = 1024 * KIB;
const TEXT = "BAsd7&jh23";
const BYTES = Buffer.from([0x00, 0xfe, 0x23, 0xfa, 0xf0]);
const kinds = [text, binary] as const;
const nameOf = (opcode: number) => (opcode === text ? "text" : "binary");

function echoed(
  id: string,
  about: string,
  opcode: number,
  payload: Buffer,
  steps: readonly Step[],
): Case {
  const received = [[message(payload, opcode === binary)]];
  return { id, about: `${nameOf(opcode)}, ${about}`, steps, received, ending: NORMAL };
}

function large(): Case[] {
  const sizes = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
  return kinds.flatMap((opcode, kind) =>
    sizes.map((size, i) => {
      const payload = Buffer.alloc(size, kind === 0 ? TEXT : BYTES);
      const steps = [send(frameOf(opcode, payload))];
      return echoed(`9.${kind + 1}.${i + 1}`, `${size / KIB} KiB`, opcode, payload, steps);
    }),
  );
}

function fragmented(): Case[] {
  const sizes = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
  return kinds.flatMap((opcode, kind) =>
    sizes.map((size, i) => {
      const payload = Buffer.alloc(4 * MIB, kind === 0 ? "*" : 0xfe);
      const steps = fragments(opcode, payload, size);
      return echoed(
        `9.${3 + kind}.${i + 1}`,
        `4 MiB in fragments of ${size}`,
        opcode,
        payload,
        steps,
      );
    }),
  );
}

function chopped(): Case[] {
  return kinds.flatMap((opcode, kind) =>
    [64, 128, 256, 512, KIB, 2 * KIB].map((size, i) => {
      const payload = Buffer.alloc(MIB, kind === 0 ? TEXT : BYTES);
      const steps = [send(frameOf(opcode, payload), size)];
      return echoed(`9.${5 + kind}.${i + 1}`, `1 MiB in chops of ${size}`, opcode, payload, steps);
    }),
  );
}

/** A thousand messages one after the other, each sent when the last one has come back. */
function roundTrips(): Case[] {
  return kinds.flatMap((opcode, kind) =>
    [0, 16, 64, 256, KIB, 4 * KIB].map((size, i): Case => {
      const payload = Buffer.alloc(size, kind === 0 ? "*" : 0xfe);
      const steps = Array.from({ length: 1_000 }, (_, n): Step[] => [
        send(frameOf(opcode, payload)),
        { type: "await-messages", count: n + 1 },
      ]).flat();
      const received = [Array.from({ length: 1_000 }, () => message(payload, kind === 1))];
      const about = `${nameOf(opcode)}, 1000 round trips of ${size} bytes`;
      return { id: `9.${7 + kind}.${i + 1}`, about, steps, received, ending: NORMAL };
    }),
  );
}

function autoFragmented(): Case {
  const payload = Buffer.alloc(65_536, "*");
  const steps = fragments(text, payload, 1_300);
  return echoed("10.1.1", "64 KiB in fragments of 1300", text, payload, steps);
}

export function bulkCases(): Case[] {
  return [...large(), ...fragmented(), ...chopped(), ...roundTrips(), autoFragmented()];
}
