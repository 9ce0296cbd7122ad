import { preset } from "../../tooling/tsup/preset.mjs";

export default preset(
  {
    index: "src/index.ts",
    "config/index": "src/config/index.ts",
    "ports/index": "src/ports/index.ts",
    "testing/index": "src/testing/index.ts",
  },
  { pino: "src/logger/pino.ts" },
);
