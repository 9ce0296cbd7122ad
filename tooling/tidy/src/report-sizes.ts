/** `npm run sizes`: prints what is above the aims of the style guide. Always succeeds. */
import { root } from "./root.js";
import { checkout } from "./repository.js";
import { oversize } from "./sizes.js";

const found = oversize(checkout(root));
for (const { path, what, size, aim } of found)
  console.log(`${size}\t(aim ${aim})\t${path}\t${what}`);
console.log(`${found.length} above the aims`);
