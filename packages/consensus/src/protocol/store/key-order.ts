/**
 * Key order: keys stand in the order of their UTF-8 bytes, and are compared as JavaScript texts.
 *
 * JavaScript compares UTF-16 units, which differs from the order of bytes in one place: surrogates (of the characters
 * from U+10000) come before U+E000 to U+FFFF. So a key with a unit from U+D800 on is looked up under a text in which
 * those two blocks have changed places; every other key, and that is nearly every one, is its own.
 */

const HAS_HIGH_UNIT = /[\ud800-\uffff]/;
const HAS_LONE_SURROGATE = /\p{Surrogate}/u;
const LAST_CHARACTER = "\u{10ffff}";

/** A text whose order among such texts is that of the key's bytes among keys; different for different keys. */
export function orderOf(key: string): string {
  return HAS_HIGH_UNIT.test(key) ? swapped(key) : key;
}

/** Whether a text can be a key: it is not empty, has UTF-8 bytes, and does not hold U+10FFFF. */
export function isKey(text: string): boolean {
  return text !== "" && isBound(text) && !text.includes(LAST_CHARACTER);
}

/** Whether a text can be an end of a range. */
export function isBound(text: string): boolean {
  return !HAS_HIGH_UNIT.test(text) || !HAS_LONE_SURROGATE.test(text);
}

/** Size of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A pair of surrogates is four bytes, so each of them counts two.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function swapped(key: string): string {
  let text = "";
  for (let i = 0; i < key.length; i += 1) {
    const unit = key.charCodeAt(i);
    if (unit < 0xd800) text += key[i];
    else text += String.fromCharCode(unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
  }
  return text;
}
