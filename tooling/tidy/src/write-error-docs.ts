/** `npm run errors:docs`: writes docs/errors.md from the packages' declarations. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { documentPath, errorDocument } from "./error-docs.js";
import { checkout } from "./repository.js";
import { root } from "./root.js";

const target = join(root, documentPath);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, errorDocument(checkout(root)));
console.log(`wrote ${documentPath}`);
