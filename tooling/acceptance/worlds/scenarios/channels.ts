/** What channels promise, while connections break, readers stop and secrets change. */
import assert from "node:assert/strict";
import type { WorldChannel } from "../channel-agent.js";
import type { GotMessage, SendResult } from "../commands.js";
import type { NodeControl, World } from "../world.js";
import {
  allList,
  allServe,
  first,
  form,
  ledgers,
  startLedgers,
  type Scenario,
} from "./scenario.js";

const pair = ["n1", "n2"] as const;

const oneLink: Scenario = {
  name: "simultaneous dials leave one link between two nodes",
  needs: [],
  play: async (world) => {
    const nodes = await form(world, ["n1", "n2", "n3"]);
    for (const node of nodes) {
      const linked = (await node.links()).filter(
        ({ channel, up }) => up && channel === "coordination",
      );
      const peers = linked.map(({ peer }) => peer);
      assert.equal(peers.length, 2, `${node.name} is linked with ${peers.join(", ")}`);
      assert.equal(new Set(peers).size, 2);
    }
  },
};

const lanes: Scenario = {
  name: "reliable: each key in order over four lanes, each message once, while connections are reset",
  needs: ["reset"],
  play: async (world) => {
    const [a, b] = await two(world);
    const sending = a.send("n2", "worlds.reliable", {
      count: 600,
      keys: 8,
      everyMs: 3,
      bytes: 2_000,
    });
    await resetsAmid(world, b, "worlds.reliable", 600);
    const sent = accepted(await sending);
    assert.equal(sent.length, 600);
    await allCame(world, b, "worlds.reliable", sent);
    await world.eventually(() => isEmpty(a, "worlds.reliable"), "5s");
  },
};

/** Less than a sender has to wait for. */
const large: Scenario = {
  name: "reliable: messages of many chunks resume in the middle of one",
  needs: ["reset", "slow"],
  play: async (world) => {
    const [a, b] = await two(world);
    await world.slow("n1", "n2", { latencyMs: 5, bytesPerSecond: 1_000_000 });
    const sending = a.send("n2", "worlds.reliable", { count: 3, keys: 1, bytes: 300_000 });
    await resets(world, 2);
    const sent = accepted(await sending);
    assert.equal(sent.length, 3);
    await allCame(world, b, "worlds.reliable", sent);
  },
};

const best: Scenario = {
  name: "best: each key in order and each message once at most, while connections are reset",
  needs: ["reset"],
  play: async (world) => {
    const [a, b] = await two(world);
    const sending = a.send("n2", "worlds.best", { count: 400, keys: 8, everyMs: 3 });
    await resets(world, 3);
    await sending;
    const last = await a.send("n2", "worlds.best", { keys: 1 });
    await world.eventually(() => has(b, "worlds.best", ids(last)), "10s");
    inOrder(await b.got("worlds.best"));
  },
};

const acked: Scenario = {
  name: "acked: repeated over broken connections and handled once; who was told so has been handled",
  needs: ["half-open"],
  play: async (world) => {
    const [a, b] = await two(world);
    const sending = a.send("n2", "worlds.acked", { count: 300, keys: 4, everyMs: 5 });
    for (let index = 0; index < 3; index += 1) {
      await world.run("300ms");
      await world.halfOpen("n1", "n2");
    }
    const sent = await sending;
    const counts = countsOf(await b.got("worlds.acked"));
    for (const { id, code } of sent) {
      const count = counts.get(id) ?? 0;
      if (code === "ok") assert.equal(count, 1, `${id} was acknowledged`);
      else
        assert.ok(
          count <= (code === "ERR_OUTCOME_UNKNOWN" ? 1 : 0),
          `${id} ended ${code}, ran ${count}`,
        );
    }
    assert.ok(
      sent.filter(({ code }) => code === "ok").length >= 290,
      "nearly all are acknowledged",
    );
  },
};

const latest: Scenario = {
  name: "monotonic: drops only what is stale, keeps the order, and always delivers the last",
  needs: ["reset"],
  play: async (world) => {
    const [a, b] = await two(world);
    await b.hold("worlds.latest", true);
    // More than a window, so that the rest waits where newer values replace older ones.
    const sent = await a.send("n2", "worlds.latest", { count: 120, keys: 3, bytes: 60_000 });
    assert.equal(accepted(sent).length, 120);
    await world.reset("n1", "n2");
    await b.hold("worlds.latest", false);
    await world.eventually(() => has(b, "worlds.latest", ids(sent).slice(-3)), "15s");
    const got = await b.got("worlds.latest");
    inOrder(got);
    assert.ok(got.length < 120, `${got.length} came, and stale ones were dropped`);
  },
};

const refused: Scenario = {
  name: "what trySend refuses is not queued, and it takes again when the reader has read",
  needs: [],
  play: async (world) => {
    const [a, b] = await two(world);
    await b.hold("worlds.best", true);
    const many = { count: 400, keys: 1, bytes: 60_000, isOffer: true };
    const offered = await a.send("n2", "worlds.best", many);
    const taken = accepted(offered);
    assert.ok(taken.length > 0 && taken.length < 400, `${taken.length} of 400 were taken`);
    await b.hold("worlds.best", false);
    await allCame(world, b, "worlds.best", taken);
    const again = accepted(await a.send("n2", "worlds.best", { count: 10, isOffer: true }));
    assert.equal(again.length, 10);
    await allCame(world, b, "worlds.best", [...taken, ...again]);
  },
};

/** Bytes that wait for one reader: the hard limit, and what is under way. */
const queuedBytesMax = 12 * 1024 * 1024;

const neverReads: Scenario = {
  name: "a reader that never reads costs bounded memory, and nobody else's calls",
  needs: [],
  play: async (world) => {
    const nodes = await form(world, ["n1", "n2", "n3"]);
    const [a, b] = nodes as [NodeControl, NodeControl];
    await startLedgers(world, nodes);
    await b.hold("worlds.best", true);
    for (let round = 0; round < 5; round += 1) {
      await a.send("n2", "worlds.best", { count: 200, bytes: 60_000, isOffer: true });
      assert.equal(await allServe(nodes), true);
      const startedMs = world.now();
      await Promise.all(ledgers.map((name) => a.call(name)));
      const tookMs = world.now() - startedMs;
      assert.ok(tookMs < 1_000, `calls beside it took ${tookMs} ms`);
    }
    const links = [...(await a.links()), ...(await b.links())];
    const waiting = links.reduce(
      (sum, link) => sum + link.queuedBytes + link.retainedBytes + link.heldBytes,
      0,
    );
    assert.ok(waiting < queuedBytesMax, `${waiting} bytes wait`);
    assert.equal(await allList(nodes), true);
    await b.hold("worlds.best", false);
    await world.eventually(() => isEmpty(a, "worlds.best"), "15s");
  },
};

const returns: Scenario = {
  name: "reliable: what was sent to a node before it was wrongly declared dead arrives when it returns",
  needs: ["partition"],
  play: async (world) => {
    const [a, b] = await two(world);
    const before = await a.send("n2", "worlds.reliable", { count: 20, keys: 4 });
    await world.partition(["n1"], ["n2"]);
    const during = await a.send("n2", "worlds.reliable", { count: 20, keys: 4 });
    await world.eventually(async () => {
      const counts = [(await a.members()).length, (await b.members()).length];
      return counts.every((count) => count === 1) || `they list ${counts.join(" and ")}`;
    }, "30s");
    await world.heal();
    await world.eventually(() => allList([a, b]), "20s");
    await allCame(world, b, "worlds.reliable", accepted([...before, ...during]));
  },
};

const newBoot: Scenario = {
  name: "a newer start supersedes the old one: nothing meant for the old one is handled by the new one",
  needs: ["kill"],
  play: async (world) => {
    const [a] = await two(world);
    const sending = a.send("n2", "worlds.reliable", { count: 30, everyMs: 10 });
    await world.run("100ms");
    await world.kill("n2");
    const meant = ids(await sending);
    const b = await world.restart("n2");
    await world.eventually(() => allList([a, b]), "20s");
    const sent = accepted(await a.send("n2", "worlds.reliable", { count: 10 }));
    await allCame(world, b, "worlds.reliable", sent);
    const got = await b.got("worlds.reliable");
    assert.equal(got.filter(({ id }) => meant.includes(id)).length, 0);
  },
};

const lastWords: Scenario = {
  name: "the end of a node that leaves is told after its last message, on every lane",
  needs: [],
  play: async (world) => {
    const [a, b] = await two(world);
    const sent = accepted(await a.send("n2", "worlds.best", { count: 200, keys: 8, bytes: 5_000 }));
    await world.stop("n1");
    await world.eventually(async () => {
      const told = (await b.events()).some(
        ({ type, name }) => type === "node-left" && name === "n1",
      );
      return told || "n2 was not told that n1 has left";
    }, "10s");
    const got = await b.got("worlds.best");
    assert.deepEqual(
      got
        .map(({ id }) => id)
        .toSorted()
        .join(),
      ids(sent).toSorted().join(),
    );
    assert.equal(got.filter(({ isAfterEnd }) => isAfterEnd).length, 0);
  },
};

const rotation: Scenario = {
  name: "secrets are exchanged under load: no message is lost, none is doubled, the old one opens nothing",
  needs: ["reset"],
  play: async (world) => {
    const [a, b] = await two(world);
    const [old, fresh] = ["a secret of all worlds", "another secret of all worlds"];
    const sending = a.send("n2", "worlds.reliable", { count: 400, keys: 4, everyMs: 5 });
    for (const secrets of [[old, fresh], [fresh, old], [fresh]]) {
      for (const node of [a, b]) await node.secrets(secrets);
      await world.reset("n1", "n2");
      await world.run("300ms");
    }
    const sent = accepted(await sending);
    assert.equal(sent.length, 400);
    await allCame(world, b, "worlds.reliable", sent);
    const late = await world.start("n3");
    await world.run("2s");
    assert.equal((await late.members()).length, 1, "the old secret joins nobody");
    assert.equal(await allList([a, b]), true);
  },
};

const streams: Scenario = {
  name: "a stream on a reliable channel goes on over connections that are reset, byte for byte",
  needs: ["reset"],
  play: async (world) => {
    const [a, b] = await two(world);
    await allCame(world, b, "worlds.reliable", await a.send("n2", "worlds.reliable", {}));
    const streaming = a.stream("n2", 4_000_000);
    await resets(world, 3);
    const { code, read, expected } = await streaming;
    assert.equal(code, "ok");
    assert.equal(JSON.stringify(read), JSON.stringify(expected));
  },
};

export const channels: readonly Scenario[] = [
  oneLink,
  lanes,
  large,
  best,
  acked,
  latest,
  refused,
  neverReads,
  returns,
  newBoot,
  lastWords,
  rotation,
  streams,
];

async function two(world: World): Promise<[NodeControl, NodeControl]> {
  const nodes = await form(world, pair);
  const [, b] = nodes;
  assert.ok(b);
  return [first(nodes), b];
}

async function resets(world: World, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await world.run("250ms");
    await world.reset("n1", "n2");
  }
}

/** The same, each time after something more has come on the channel: in the middle of it, however slow the machine is. */
async function resetsAmid(
  world: World,
  node: NodeControl,
  channel: WorldChannel,
  count: number,
): Promise<void> {
  for (let index = 0; index < 3; index += 1) {
    const before = (await node.got(channel)).length;
    await world.eventually(async () => {
      const { length } = await node.got(channel);
      return length > before || length === count || `nothing comes on ${channel}`;
    }, "10s");
    await world.reset("n1", "n2");
  }
}

function accepted(results: readonly SendResult[]): readonly SendResult[] {
  return results.filter(({ code }) => code === "ok");
}

function ids(results: readonly SendResult[]): readonly string[] {
  return results.map(({ id }) => id);
}

/** These came, each once, nothing else, and in order. */
async function allCame(
  world: World,
  node: NodeControl,
  channel: WorldChannel,
  sent: readonly SendResult[],
): Promise<void> {
  await world.eventually(() => has(node, channel, ids(sent)), "20s");
  const got = await node.got(channel);
  assert.equal(got.length, sent.length, `${got.length} came of ${sent.length}`);
  inOrder(got);
}

async function has(node: NodeControl, channel: WorldChannel, wanted: readonly string[]) {
  const got = new Set((await node.got(channel)).map(({ id }) => id));
  const missing = wanted.filter((id) => !got.has(id));
  return missing.length === 0 || `${node.name} has not got ${missing.length}: ${missing[0]}`;
}

/** Each sender's messages of one key come in order, so none comes twice. */
function inOrder(got: readonly GotMessage[]): void {
  const last = new Map<string, number>();
  for (const { id, sender, key, sequence } of got) {
    const before = last.get(`${sender} ${key}`) ?? 0;
    assert.ok(sequence > before, `${id} is number ${sequence} of ${key}, after ${before}`);
    last.set(`${sender} ${key}`, sequence);
  }
}

function countsOf(got: readonly GotMessage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of got) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Nothing of the channel waits in the node's links. */
async function isEmpty(node: NodeControl, channel: WorldChannel): Promise<true | string> {
  const links = (await node.links()).filter((link) => link.channel === channel);
  const bytes = links.reduce((sum, link) => sum + link.queuedBytes + link.retainedBytes, 0);
  return bytes === 0 || `${bytes} bytes of ${channel} wait in ${node.name}`;
}
