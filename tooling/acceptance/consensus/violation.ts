/** Violation: a promise of a group that was broken, and which check saw it. */
export class Violation extends Error {
  /** One of a few names, the same for every violation of the check. */
  readonly check: string;

  constructor(check: string, what: string) {
    super(what);
    this.check = check;
  }
}

/** @throws {Violation} always */
export function fail(check: string, what: string): never {
  throw new Violation(check, what);
}
