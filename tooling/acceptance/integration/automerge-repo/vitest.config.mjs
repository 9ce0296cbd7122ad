/** vitest, for the suites that are written for it. Our packages run from their sources, as under jest. */
export default {
  root: import.meta.dirname,
  cacheDir: "../../../../.cache/vitest",
  ssr: { resolve: { conditions: ["@foundation/source", "node", "import", "default"] } },
  test: {
    include: ["*.vitest.ts"],
    pool: "forks",
    fileParallelism: false,
    // The published suites import vitest themselves: they must get this one.
    server: { deps: { inline: [/@automerge\/automerge-repo/, /@foundation\//] } },
  },
};
