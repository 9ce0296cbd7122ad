/**
 * plant: makes a mutant's changes in a source text.
 *
 * Plain JavaScript, because the loader's thread runs it before anything can read TypeScript.
 *
 * Invariant: an anchor that is not there exactly once fails: nothing else would be planted, and the
 * hunt would prove nothing.
 */

/** What the planted file leaves behind when it runs, so that whoever hunts knows that it did. */
export const PLANTED = "foundationMutant";

/**
 * @param {string} source
 * @param {{ name: string, file: string, edits: readonly { find: string, replace: string }[] }} mutant
 * @returns {string}
 */
export function plant(source, { name, file, edits }) {
  let planted = source;
  for (const { find, replace } of edits) {
    const parts = planted.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `Mutant "${name}": its anchor occurs ${parts.length - 1} times in ${file}, expected once. ` +
          `The code has changed: plant the bug anew, at\n${find}`,
      );
    }
    planted = parts.join(replace);
  }
  return `${planted}\nObject.assign(globalThis, { ${PLANTED}: ${JSON.stringify(name)} });\n`;
}
