import { preset } from "../../tooling/tsup/preset.mjs";

export default preset(
  { index: "src/index.ts" },
  { cockatiel: "src/runtime/services/cockatiel.ts" },
);
