/** The hosts of the namespaces' world, with bare TCP between them: each fault does what it says, and no more. */
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { eventually } from "@foundation/testkit";
import { canMakeHosts, Hosts } from "../../namespaces/hosts.js";

const namespaces = await requires("network namespaces, nft and tc", canMakeHosts);
const program = fileURLToPath(new URL("raw-peer.mjs", import.meta.url));
const port = 7_000;

interface Told {
  readonly event: "listening" | "accepted" | "connected" | "bytes" | "error" | "close";
  readonly value?: number | string;
}

/** A process in a host. */
class Peer {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;

  constructor(namespace: string, role: "listen" | "dial", host: string) {
    this.#child = fork(program, [role, host, String(port)], {
      execPath: "ip",
      execArgv: ["netns", "exec", namespace, process.execPath],
    });
    this.#child.on("message", (message) => this.told.push(message as Told));
  }

  has(event: Told["event"]): boolean {
    return this.told.some((each) => each.event === event);
  }

  get bytes(): number {
    const counts = this.told.filter(({ event }) => event === "bytes");
    return counts.reduce((sum, { value }) => sum + Number(value), 0);
  }

  send(bytes: number): void {
    this.#child.send({ send: bytes });
  }

  end(): Promise<unknown> {
    this.#child.kill("SIGKILL");
    return new Promise((resolve) => this.#child.once("close", resolve));
  }
}

let hosts: Hosts;
const peers: Peer[] = [];

beforeEach(async () => {
  if (namespaces.met) hosts = await Hosts.create(["n1", "n2"]);
});

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.end()));
  if (namespaces.met) await hosts.close();
});

function peer(name: string, role: "listen" | "dial"): Peer {
  const made = new Peer(hosts.namespaceOf(name), role, hosts.addressOf("n2"));
  peers.push(made);
  return made;
}

/** A connection from n1 to n2: both ends. */
async function connected(): Promise<readonly [Peer, Peer]> {
  const b = peer("n2", "listen");
  await eventually(() => b.has("listening"), { within: "20s" });
  const a = peer("n1", "dial");
  await eventually(() => a.has("connected") && b.has("accepted"), { within: "20s" });
  return [a, b];
}

/** Real time in which what must not happen would have happened, many times over. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 300));

namespaces.test(
  "a partition is one way: acknowledgements come back, bytes do not arrive",
  async () => {
    const [a, b] = await connected();
    await hosts.partition("n1", "n2");
    a.send(10);
    b.send(20);
    await eventually(() => expect(a.bytes).toBe(20));
    await aWhile();
    expect(b.bytes).toBe(0);
    await hosts.heal();
    await eventually(() => expect(b.bytes).toBe(10));
  },
);

namespaces.test("a reset ends an idle connection on both sides at once", async () => {
  const [a, b] = await connected();
  await hosts.reset("n1", "n2");
  await eventually(() => a.has("close") && b.has("close"));
  expect(b.told).toContainEqual({ event: "error", value: "ECONNRESET" });
});

namespaces.test("half-open: n2 has lost its end, and n1 learns it when it sends", async () => {
  const [a, b] = await connected();
  await hosts.halfOpen("n2", "n1");
  await eventually(() => b.has("close"));
  await aWhile();
  expect(a.has("close")).toBe(false);
  a.send(1);
  await eventually(() => expect(a.told).toContainEqual({ event: "error", value: "ECONNRESET" }));
});

namespaces.test("a black hole swallows what is there, and new connections work", async () => {
  const [a, b] = await connected();
  await hosts.blackHole("n1", "n2");
  a.send(10);
  b.send(10);
  const c = peer("n1", "dial");
  await eventually(() => c.has("connected"), { within: "20s" });
  c.send(5);
  await eventually(() => expect(b.bytes).toBe(5));
  await aWhile();
  expect([a.bytes, b.bytes, a.has("close")]).toEqual([0, 5, false]);
});

namespaces.test("bandwidth is that of the link, until the heal", async () => {
  const [a, b] = await connected();
  await hosts.limit("n1", "n2", 100_000);
  const sentMs = performance.now();
  a.send(200_000);
  await eventually(() => expect(b.bytes).toBe(200_000), { within: "20s" });
  // The bucket of 16 kB goes through at once.
  expect(performance.now() - sentMs).toBeGreaterThan(1_500);
  await hosts.heal();
  // More than the limit would let through in this time, twice over.
  a.send(4_000_000);
  await eventually(() => expect(b.bytes).toBe(4_200_000), { within: "20s" });
});

namespaces.test(
  "what a killed run has left is removed by the next; what a living one has, stays",
  async () => {
    const dead = `fworld-${2 ** 22 + 1}-1-n1`;
    const living = `fworld-${process.ppid}-99-n1`;
    for (const name of [dead, living]) execFileSync("ip", ["netns", "add", name]);
    try {
      const other = await Hosts.create(["n3"]);
      await other.close();
      const list = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
      expect(list).not.toContain(dead);
      expect(list).toContain(living);
      expect(list).not.toContain(other.namespaceOf("n3"));
    } finally {
      execFileSync("ip", ["netns", "del", living]);
    }
  },
);

namespaces.test("names of hosts that were not made are refused", async () => {
  expect(() => hosts.addressOf("n9")).toThrow("there is no host n9");
});
