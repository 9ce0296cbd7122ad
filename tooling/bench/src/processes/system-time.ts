/**
 * systemMs: the monotonic clock of the machine in ms. All its processes read the same one, so that a
 * time taken in one may be subtracted from a time taken in another.
 */
export function systemMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
