import { preset } from "../../tooling/tsup/preset.mjs";

export default preset({
  index: "src/index.ts",
  "automerge-repo": "src/automerge-repo/index.ts",
});
