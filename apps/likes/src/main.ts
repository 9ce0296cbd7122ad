/** One node: takes a like each second and says how many there are. Start it in several terminals. */
import { startLikes } from "./likes.js";

const { like, total } = await startLikes();

setInterval(() => {
  like();
  console.log(`${total()} likes`);
}, 1_000);
