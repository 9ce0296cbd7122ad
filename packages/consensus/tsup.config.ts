import { preset } from "../../tooling/tsup/preset.mjs";

export default preset({
  index: "src/index.ts",
  etcd: "src/etcd/index.ts",
  recipes: "src/recipes/index.ts",
});
