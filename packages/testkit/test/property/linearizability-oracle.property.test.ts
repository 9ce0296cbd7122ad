/**
 * The checker against brute force: on small random histories of every model, it says what trying all orders says.
 */
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkLinearizable,
  counterModel,
  keyValueModel,
  lockModel,
  registerModel,
  setModel,
  type CounterInput,
  type HistoryOperation,
  type KeyValueInput,
  type KeyValueOutput,
  type LockInput,
  type LockOutput,
  type RegisterInput,
  type RegisterOutput,
  type SequentialModel,
  type SetInput,
  type SetOutput,
} from "../../src/index.js";

/** Whether some order of all that ended, and of any of the rest, keeps to real time and to the model. */
function bruteForce<S, I, O>(
  history: readonly HistoryOperation<I, O>[],
  model: SequentialModel<S, I, O>,
): boolean {
  const extend = (order: readonly HistoryOperation<I, O>[], states: readonly S[]): boolean => {
    const left = history.filter((operation) => !order.includes(operation));
    if (left.every(({ endedAt }) => endedAt === Number.POSITIVE_INFINITY)) return true;
    return left.some((operation) => {
      const { input, output, endedAt, startedAt } = operation;
      // Real time, pair by pair: nothing before it may have started after it had ended.
      if (order.some((before) => before.startedAt > endedAt)) return false;
      if (left.some((after) => after.endedAt < startedAt)) return false;
      const seen = endedAt === Number.POSITIVE_INFINITY ? undefined : output;
      const next = states.flatMap((state) => model.step(state, input, seen));
      return next.length > 0 && extend([...order, operation], next);
    });
  };
  return extend([], [model.initial]);
}

const value = fc.constantFrom(0, 1, 2);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 5 });
const call = <I, O>(input: fc.Arbitrary<I>, output: fc.Arbitrary<O>) =>
  fc.record({ input, output: maybe(output) });

function histories<I, O>(
  ...calls: readonly fc.Arbitrary<{ readonly input: I; readonly output: O | undefined }>[]
): fc.Arbitrary<HistoryOperation<I, O>[]> {
  const operation = fc
    .tuple(fc.oneof(...calls), fc.nat(12), fc.option(fc.nat(8), { nil: undefined, freq: 6 }))
    .map(([{ input, output }, startedAt, lasts]) => ({
      process: startedAt,
      key: "x",
      input,
      output,
      startedAt,
      endedAt: lasts === undefined ? Number.POSITIVE_INFINITY : startedAt + lasts,
    }));
  return fc.array(operation, { minLength: 1, maxLength: 8 });
}

async function agrees<S, I, O>(
  model: SequentialModel<S, I, O>,
  arbitrary: fc.Arbitrary<HistoryOperation<I, O>[]>,
): Promise<void> {
  const verdicts = { true: 0, false: 0 };
  const property = fc.asyncProperty(arbitrary, async (history) => {
    const expected = bruteForce(history, model);
    const result = await checkLinearizable(history, model);
    verdicts[`${expected}`] += 1;
    expect(result.ok).toBe(expected);
    // What the checker may not rely on: hints. Without them it must say the same.
    const { traits: _, ...plain } = model;
    expect((await checkLinearizable(history, plain)).ok).toBe(expected);
  });
  await fc.assert(property, { numRuns: 1_000 });
  // Histories that are all right, or all wrong, would show nothing.
  expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(80);
}

// Hundreds of orders for each of hundreds of histories: seconds on a busy machine.
jest.setTimeout(60_000);

describe("the checker agrees with brute force on small histories of", () => {
  test("a register", () =>
    agrees(
      registerModel<number>(0),
      histories<RegisterInput<number>, RegisterOutput<number>>(
        call(fc.constant({ type: "read" as const }), value),
        call(fc.record({ type: fc.constant("write" as const), value }), fc.constant(true)),
        call(
          fc.record({ type: fc.constant("compareAndSet" as const), expected: value, value }),
          fc.boolean(),
        ),
      ),
    ));

  test("a key of a store", () =>
    agrees(
      keyValueModel<number>(),
      histories<KeyValueInput<number>, KeyValueOutput<number>>(
        call(fc.constant({ type: "get" as const }), fc.option(value)),
        call(fc.record({ type: fc.constant("put" as const), value }), fc.constant(true)),
        call(fc.constant({ type: "delete" as const }), fc.boolean()),
        call(
          fc.record({
            type: fc.constant("compareAndSet" as const),
            expected: fc.option<number>(value),
            value: fc.option<number>(value),
          }),
          fc.boolean(),
        ),
      ),
    ));

  const add = call(
    fc.record({ type: fc.constant("add" as const), amount: fc.constantFrom(1, 2) }),
    fc.constantFrom(1, 2, 3, 4),
  );
  test("a counter", () =>
    agrees(
      counterModel(),
      histories<CounterInput, number>(
        call(fc.constant({ type: "get" as const }), fc.constantFrom(0, 1, 2, 3)),
        add,
        call(fc.record({ type: fc.constant("add" as const), amount: value }), fc.constant(1)),
      ),
    ));

  test("a set", () =>
    agrees(
      setModel<number>(),
      histories<SetInput<number>, SetOutput<number>>(
        call(
          fc.record({ type: fc.constantFrom("add" as const, "remove" as const), element: value }),
          fc.boolean(),
        ),
        call(fc.record({ type: fc.constant("has" as const), element: value }), fc.boolean()),
        call(
          fc.constant({ type: "elements" as const }),
          fc.constantFrom<readonly number[]>([], [0], [1], [0, 1], [2, 1]),
        ),
      ),
    ));

  const token = fc.constantFrom(0, 1, 2, 3);
  const lockCalls = () =>
    histories<LockInput, LockOutput>(
      call(fc.constant({ type: "acquire" as const }), fc.option(token, { freq: 4 })),
      call(fc.record({ type: fc.constant("release" as const), token }), fc.boolean()),
      call(fc.record({ type: fc.constant("use" as const), token }), fc.boolean()),
    );

  test("a lock with leases", () => agrees(lockModel(), lockCalls()));

  test("a lock without leases", () => agrees(lockModel({ leases: false }), lockCalls()));
});
