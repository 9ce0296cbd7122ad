// likes.ts: every node takes likes and knows how many there are.
import { defineTopic, startCluster } from "@foundation/foundation";

/** How many likes each node has taken: it only grows, so the greater number is the newer one. */
const counted = defineTopic<Readonly<Record<string, number>>>("likes.counted");

export async function startLikes() {
  const cluster = await startCluster({ name: "likes" });
  const counts = new Map<string, number>();
  const announce = () => cluster.pubsub.publish(counted, Object.fromEntries(counts));
  const again = setInterval(announce, 1_000);
  const announced = cluster.pubsub.subscribe(counted);
  void (async () => {
    for await (const { data } of announced) {
      for (const [node, count] of Object.entries(data)) {
        counts.set(node, Math.max(count, counts.get(node) ?? 0));
      }
    }
    // The cluster was left.
    clearInterval(again);
  })();
  return {
    like() {
      counts.set(cluster.self.id, (counts.get(cluster.self.id) ?? 0) + 1);
      announce();
    },
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
  };
}
