import { preset } from "../../tooling/tsup/preset.mjs";

export default preset({ index: "src/index.ts" }, { transitory: "src/local/transitory.ts" });
