import { afterEach, expect, test } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import { createOverlay, type Overlay } from "../../src/index.js";

const nodes: Overlay[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.close()));
});

const options = {
  cluster: "large messages",
  secret: "a secret of at least 16 characters",
  runtime: { logger: silentLogger() },
};

async function start(peers: readonly string[] = []): Promise<Overlay> {
  const node = await createOverlay({ ...options, peers });
  nodes.push(node);
  return node;
}

test("large messages arrive as they were, though the memory of those before is used again", async () => {
  const a = await start();
  const b = await start([a.address]);
  if (b.membership.members().length < 2) {
    await new Promise<void>((resolve) => void b.membership.subscribe(() => resolve()));
  }
  const wrong: string[] = [];
  let arrived = 0;
  const check = ({ payload }: { readonly payload: unknown }) => {
    const bytes = payload as Uint8Array;
    const first = bytes[0] as number;
    if (!bytes.every((byte) => byte === first)) wrong.push(`message ${arrived} is mixed`);
    if (first !== arrived % 251) wrong.push(`message ${arrived} carries ${first}`);
    arrived += 1;
    return bytes.length;
  };
  a.messenger.handle("large", check);
  const route = { to: a.self.id, channel: "data", subject: "large" };
  const sizes = [70_000, 300_000, 1_000_000, 65_537];
  const source = new Uint8Array(1_000_000);
  for (let n = 0; n < 400; n += 1) {
    const bytes = source.subarray(0, sizes[n % sizes.length]).fill(n % 251);
    // The caller may write to its bytes again as soon as the send was called.
    if (n % 3 > 0) await b.messenger.send(route, bytes);
    else expect(await b.messenger.request(route, bytes)).toBe(bytes.length);
  }
  expect(await b.messenger.request(route, source.fill(400 % 251))).toBe(source.length);
  expect({ arrived, wrong }).toEqual({ arrived: 401, wrong: [] });
});
