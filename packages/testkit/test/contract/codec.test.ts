import { describe, test } from "@jest/globals";
import { createCodec } from "@foundation/core";
import { codecContract } from "../../src/index.js";

codecContract({ describe, test }, { create: () => createCodec() });
