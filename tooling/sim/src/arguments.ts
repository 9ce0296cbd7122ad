/** Arguments: how the commands of this tool read what they were given, and refuse what is none. */
import { parseArgs, type ParseArgsConfig } from "node:util";

/** Why arguments are none, in a sentence. */
export class BadOrder extends Error {}

export type Environment = Readonly<Record<string, string | undefined>>;

type Options = NonNullable<ParseArgsConfig["options"]>;
type ValuesOf<Own extends Options> = ReturnType<
  typeof parseArgs<{ readonly args: string[]; readonly options: Own }>
>["values"];

/** The values of these options. @throws {BadOrder} there is an argument that is none of them */
export function argumentsOf<const Own extends Options>(
  args: readonly string[],
  options: Own,
): ValuesOf<Own> {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const { message = "" } = error as Partial<Error>;
    const [sentence = ""] = message.split(/\n|(?<=\.) /);
    throw new BadOrder(sentence.endsWith(".") ? sentence : `${sentence}.`);
  }
}

/** The variable SEED; an empty one is none. */
export function seedOf(env: Environment): string | undefined {
  return env["SEED"] === "" ? undefined : env["SEED"];
}

export function refuseBoth(areBoth: boolean, one: string, other: string): void {
  if (areBoth) throw new BadOrder(`${one} and ${other} exclude each other.`);
}

/** The parts that a comma-separated text names, in their own order. @throws {BadOrder} there is no such part */
export function partsOf<Part extends string>(
  name: string,
  text: string,
  parts: readonly Part[],
): readonly Part[] {
  const asked = text.split(",");
  const unknown = asked.find((each) => !parts.some((part) => part === each));
  if (unknown === undefined) return parts.filter((part) => asked.includes(part));
  throw new BadOrder(`--${name} has no part "${unknown}"; it has ${parts.join(", ")}.`);
}

/** @throws {BadOrder} */
export function whole(name: string, text: string, min = 1, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw new BadOrder(`--${name} takes a whole number ${range}; it was "${text}".`);
}

/** @throws {BadOrder} */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (/^[\d.]+$/.test(text) && value > 0) return value;
  throw new BadOrder(`--${name} takes a number above 0; it was "${text}".`);
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** @throws {BadOrder} */
export function durationMs(name: string, text: string): number {
  const [, amount = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const value = Number(amount) * (unitsMs[unit] ?? 0);
  if (value > 0) return value;
  throw new BadOrder(`--${name} takes a duration such as 500ms, 60s or 2m; it was "${text}".`);
}
