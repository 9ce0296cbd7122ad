/**
 * SlotSet: a set of small numbers as 32-bit words, and what a search does with it.
 *
 * A search makes a set for each configuration it visits, and configurations are many: so a set is a plain array that is
 * copied, changed while it is young, and never changed once it is shared.
 */
export type SlotSet = number[];

export function emptySet(words: number): SlotSet {
  return new Array<number>(words).fill(0);
}

export function hasSlot(set: SlotSet, slot: number): boolean {
  return ((set[slot >>> 5] as number) & (1 << (slot & 31))) !== 0;
}

export function addSlot(set: SlotSet, slot: number): void {
  set[slot >>> 5] = (set[slot >>> 5] as number) | (1 << (slot & 31));
}

export function deleteSlot(set: SlotSet, slot: number): void {
  set[slot >>> 5] = (set[slot >>> 5] as number) & ~(1 << (slot & 31));
}

/** Whether each slot of `part` is in `whole`. */
export function isWithin(part: SlotSet, whole: SlotSet): boolean {
  for (let word = 0; word < part.length; word += 1) {
    if (((part[word] as number) & ~(whole[word] as number)) !== 0) return false;
  }
  return true;
}

/** The slots of the set, in order. The set may change meanwhile. */
export function slotsOf(set: SlotSet): number[] {
  const slots: number[] = [];
  for (let word = 0; word < set.length; word += 1) {
    for (let bits = set[word] as number; bits !== 0; bits &= bits - 1) {
      slots.push((word << 5) + 31 - Math.clz32(bits & -bits));
    }
  }
  return slots;
}
