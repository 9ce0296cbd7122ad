/** First voters: which lists of names can found a group. */
import { FOUNDING_LIMITS } from "./limits.js";
import { foundingRefused } from "./membership-errors.js";
import { isNodeName } from "./protocol/membership-record.js";

/** The names, sorted. @throws {ERR_FOUNDING_REFUSED} */
export function checkedNames(group: string, names: readonly string[]): readonly string[] {
  const { firstVotersMax, nameCharsMax } = FOUNDING_LIMITS;
  if (names.length === 0) throw foundingRefused(group, "the list of first voters is empty");
  if (names.length > firstVotersMax) {
    const reason = `${names.length} first voters are listed, and ${firstVotersMax} are the most`;
    throw foundingRefused(group, reason);
  }
  const wrong = names.find((name) => !isNodeName(name));
  if (wrong !== undefined) {
    throw foundingRefused(group, `a name has 1 to ${nameCharsMax} characters, found "${wrong}"`);
  }
  const double = names.find((name, i) => names.indexOf(name) !== i);
  if (double !== undefined) throw foundingRefused(group, `"${double}" is listed twice`);
  return [...names].sort();
}
