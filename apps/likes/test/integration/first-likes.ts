// likes.ts: every node takes likes and knows how many there are.
import { defineTopic, startCluster } from "@foundation/foundation";

const liked = defineTopic<number>("likes.liked");

export async function startLikes() {
  const cluster = await startCluster({ name: "likes" });
  let total = 0;
  const likes = cluster.pubsub.subscribe(liked);
  void (async () => {
    for await (const { data } of likes) total += data;
  })();
  return {
    like: () => cluster.pubsub.publish(liked, 1),
    total: () => total,
  };
}
