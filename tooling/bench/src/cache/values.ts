/** What is cached: the same for every contestant. */
export const KEYS = 10_000;
export const HOT_KEYS = 1_000;
export const CLIENTS = 64;

export const keyOf = (i: number): string => `user-${i % KEYS}`;

/** About 100 bytes, encoded. */
export const valueOf = (i: number) => ({
  id: i,
  name: `User number ${i % KEYS}`,
  mail: `user-${i % KEYS}@example.org`,
  roles: ["reader", "writer"],
});
