/** LanMachines: processes that discover on the machines of a LanSegment, from the outside. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { nodeClock } from "@foundation/core";
import type { LanLine, LanOrders } from "./lan-program.js";
import { LanSegment } from "./lan-segment.js";

const clock = nodeClock();
const here = import.meta.dirname;

/** The program, bundled once for a test file: starting it from source would compile it each time. */
export class LanProgram {
  private constructor(readonly folder: string) {}

  static async bundle(): Promise<LanProgram> {
    const folder = await mkdtemp(join(tmpdir(), "foundation-lan-"));
    const bundler = join(here, "../integration/bundle.mjs");
    const args = [bundler, join(here, "lan-program.ts"), folder];
    await promisify(execFile)(process.execPath, args);
    return new LanProgram(folder);
  }

  get path(): string {
    return join(this.folder, "lan-program.cjs");
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** One process. */
export interface LanPeer {
  readonly child: ChildProcess;
  readonly address: string;
  readonly lines: LanLine[];
  readonly ended: Promise<number | null>;
  /** The addresses of the newest set; undefined before the first. */
  readonly peers: readonly string[] | undefined;
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  stop(): Promise<number | null>;
}

export class LanMachines {
  readonly #processes: LanPeer[] = [];

  private constructor(
    readonly program: LanProgram,
    readonly segment: LanSegment,
  ) {}

  static async create(program: LanProgram, size: number): Promise<LanMachines> {
    return new LanMachines(program, await LanSegment.create(size));
  }

  /** Starts the program on a machine; it is dialled at port 4100 of the machine's IPv4 address unless told otherwise. */
  start(host: number, orders: Partial<LanOrders> & Pick<LanOrders, "strategy">): LanPeer {
    const address = orders.address ?? `ws://${this.segment.address(host)}:4100`;
    const said = JSON.stringify({ ...orders, address });
    const node = [process.execPath, this.program.path, said];
    const child = spawn("ip", ["netns", "exec", this.segment.namespace(host), ...node], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines: LanLine[] = [];
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    createInterface({ input: child.stdout! }).on("line", (line) => {
      lines.push(JSON.parse(line) as LanLine);
    });
    const peer: LanPeer = {
      ...{ child, address, lines, ended },
      get peers() {
        return lines
          .findLast(({ peers }) => peers !== undefined)
          ?.peers?.map((each) => each.address);
      },
      get problems() {
        return lines.flatMap(({ problem }) => (problem === undefined ? [] : [problem]));
      },
      stop: () => {
        child.kill("SIGTERM");
        return ended;
      },
    };
    this.#processes.push(peer);
    return peer;
  }

  async close(): Promise<void> {
    for (const { child } of this.#processes) child.kill("SIGKILL");
    await Promise.all(this.#processes.map(({ ended }) => ended));
    await this.segment.close();
  }
}

/** Waits until it holds, up to 20 s; the last thing that was seen is in the error. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  shown: () => unknown = () => "",
): Promise<void> {
  const untilMs = clock.now() + 20_000;
  while (!(await holds())) {
    if (clock.now() > untilMs) {
      throw new Error(`not within 20 s: ${what}; seen: ${JSON.stringify(shown())}`);
    }
    await clock.sleep(10);
  }
}

/** True when each of them has found exactly the others. */
export function haveMet(...peers: readonly LanPeer[]): boolean {
  return peers.every((peer) => {
    const others = peers.filter((each) => each !== peer).map(({ address }) => address);
    return JSON.stringify(peer.peers) === JSON.stringify(others.sort());
  });
}
