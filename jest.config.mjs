/**
 * One jest project per kind of test, so `npm run test:contract` runs that kind over all packages.
 *
 * Tests run from `src/` through the export condition `@foundation/source`, without a build; only
 * the smoke tests, which are about the built packages, resolve to `dist/`. swc strips the types
 * (the type check is a step of its own), and modules stay ESM.
 */
const kinds = {
  unit: [
    "packages/*/test/unit/**/*.test.ts",
    "apps/*/test/unit/**/*.test.ts",
    "tooling/*/test/unit/**/*.test.ts",
  ],
  property: ["packages/*/test/property/**/*.test.ts"],
  contract: ["packages/*/test/contract/**/*.test.ts"],
  smoke: ["tooling/acceptance/smoke/**/*.test.ts"],
  integration: [
    "packages/*/test/integration/**/*.test.ts",
    "apps/*/test/integration/**/*.test.ts",
    "tooling/acceptance/integration/**/*.test.ts",
    "tooling/*/test/integration/**/*.test.ts",
    "tooling/acceptance/worlds/test/integration/**/*.test.ts",
  ],
  simulation: [
    "tooling/acceptance/caches/**/*.test.ts",
    "tooling/acceptance/consensus/**/*.test.ts",
    "tooling/acceptance/cores/**/*.test.ts",
    "tooling/acceptance/discovery/**/*.test.ts",
    "tooling/acceptance/overlay/**/*.test.ts",
    "tooling/acceptance/processes/**/*.test.ts",
    "tooling/acceptance/simulation/**/*.test.ts",
    "tooling/acceptance/state/**/*.test.ts",
    "tooling/acceptance/worlds/test/simulation/**/*.test.ts",
    "tooling/mutants/test/simulation/**/*.test.ts",
  ],
  stress: ["packages/*/test/stress/**/*.test.ts", "tooling/acceptance/stress/**/*.test.ts"],
  benchmark: ["packages/*/test/benchmark/**/*.test.ts", "tooling/bench/test/**/*.test.ts"],
  tidy: ["tooling/*/test/tidy/**/*.test.ts"],
};

const swc = [
  "@swc/jest",
  {
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    module: { type: "es6" },
    sourceMaps: "inline",
  },
];

const project = ([kind, patterns]) => ({
  displayName: kind,
  rootDir: import.meta.dirname,
  testEnvironment: "@foundation-tooling/jest/environment",
  testMatch: patterns.map((pattern) => `<rootDir>/${pattern}`),
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/fixtures/"],
  modulePathIgnorePatterns: ["/dist/", "<rootDir>/.tools/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": swc },
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  testEnvironmentOptions: {
    customExportConditions:
      kind === "smoke" ? ["node", "node-addons"] : ["@foundation/source", "node", "node-addons"],
  },
});

export default {
  reporters: ["@foundation-tooling/jest/reporter"],
  maxWorkers: "100%",
  // ESM suites leave their module graphs behind: past this a worker spends its time in garbage collection.
  workerIdleMemoryLimit: "1GB",
  projects: Object.entries(kinds).map(project),
};
