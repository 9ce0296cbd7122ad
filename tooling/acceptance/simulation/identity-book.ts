/**
 * IdentityBook: who each node said it was at each start. No two starts may be the same (id, boot), a later start of an id
 * must have the greater boot, and damage on a disk may end an identity but never turn it into another.
 */

/** Node and boot, short and unique within a run. */
export function keyOf({ id, boot }: { readonly id: string; readonly boot: string }): string {
  return `${id.slice(0, 8)}/${boot.slice(-10)}`;
}

/** Fewer hexadecimal digits than this differ by damage, not by chance. */
const NEAR_DIGITS = 16;

export class IdentityBook {
  readonly #bootsOf = new Map<string, string>();
  readonly #idsOf = new Map<string, Set<string>>();
  readonly #names = new Map<string, string>();
  readonly violations: string[] = [];

  /** The text with the name of the node before each "id/boot" as messages carry it. */
  named(text: string): string {
    return text.replaceAll(/[0-9a-f]{8}\/[0-9a-f]{10}/g, (key) => {
      const name = this.#names.get(key);
      return name === undefined ? key : `${name}=${key}`;
    });
  }

  started(name: string, { id, boot }: { readonly id: string; readonly boot: string }): void {
    const last = this.#bootsOf.get(id);
    if (last === boot) this.violations.push(`${name} started twice as ${id}/${boot}`);
    else if (last !== undefined && boot < last) {
      this.violations.push(`${name} started as ${id}/${boot}, which is older than ${last}`);
    } else this.#bootsOf.set(id, boot);
    const ids = this.#idsOf.get(name) ?? new Set();
    this.#idsOf.set(name, ids);
    for (const known of ids) {
      if (known !== id && differing(known, id) < NEAR_DIGITS) {
        this.violations.push(`${name} started as ${id}, a damaged ${known}`);
      }
    }
    ids.add(id);
    this.#names.set(keyOf({ id, boot }), name);
  }
}

function differing(a: string, b: string): number {
  return Array.from(a).filter((digit, index) => digit !== b[index]).length;
}
