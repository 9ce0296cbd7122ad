import { expect, test } from "@jest/globals";
import { memoryCluster, virtualClock } from "@foundation/core/testing";
import { LeaderNews } from "../../../src/consensus/leader-news.js";

function world(names: readonly string[]) {
  const clock = virtualClock();
  const cluster = memoryCluster({ clock, nodes: names });
  const open = (name: string) => {
    const node = cluster.node(name);
    const told: (string | undefined)[] = [];
    const news = new LeaderNews(node);
    news.subscribe((leader) => told.push(cluster.nodes.find(({ id }) => id === leader)?.name));
    return { id: node.id, news, told };
  };
  return { clock, cluster, open };
}

test("all hear who leads, and whoever joins later hears it too", async () => {
  const { clock, cluster, open } = world(["a", "b", "c"]);
  const [a, b, c] = ["a", "b", "c"].map(open);
  a!.news.learn({ term: 2, leader: a!.id });
  b!.news.learn({ term: 2, leader: a!.id });
  await clock.advance(100);
  expect([a, b, c].map((each) => each!.told)).toEqual([["a"], ["a"], ["a"]]);
  cluster.add({ name: "d" });
  const d = open("d");
  await clock.advance(100);
  expect(d.news.leader).toBe(a!.id);
});

test("a greater term is newer whoever says it, and a smaller one is not heard", async () => {
  const { clock, open } = world(["a", "b", "c"]);
  const [a, b, c] = ["a", "b", "c"].map(open);
  b!.news.learn({ term: 5, leader: b!.id });
  await clock.advance(100);
  a!.news.learn({ term: 4, leader: a!.id });
  await clock.advance(100);
  expect([a, b, c].map((each) => each!.news.leader)).toEqual([b!.id, b!.id, b!.id]);
  expect(c!.told).toEqual(["b"]);
});

test("a leader that is gone leads nobody, and one that was only believed gone leads again", async () => {
  const { clock, cluster, open } = world(["a", "b"]);
  const [a, b] = ["a", "b"].map(open);
  a!.news.learn({ term: 1, leader: a!.id });
  await clock.advance(100);
  cluster.partition(["a"], ["b"]);
  await clock.advance(100);
  expect(b!.news.leader).toBeUndefined();
  cluster.heal();
  await clock.advance(100);
  expect(b!.told).toEqual(["a", undefined, "a"]);
});

test("what cannot be read is not heard", async () => {
  const { clock, cluster, open } = world(["a", "b"]);
  const b = open("b");
  for (const payload of [null, 1, { term: "1" }, { term: 1, leader: "x" }, { term: 1.5 }]) {
    cluster.node("a").broadcast.publish("foundation.leader", payload, { channel: "state" });
  }
  await clock.advance(100);
  expect([b.news.leader, b.told]).toEqual([undefined, []]);
});
