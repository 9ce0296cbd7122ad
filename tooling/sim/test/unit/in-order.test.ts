import { describe, expect, test } from "@jest/globals";
import { InOrder } from "../../src/in-order.js";

describe("what arrives in any order", () => {
  test("is handed on in the order of its numbers", () => {
    const taken: string[] = [];
    const order = new InOrder<string>((each) => taken.push(each));
    order.add(2, "c");
    order.add(1, "b");
    expect(taken).toEqual([]);
    order.add(0, "a");
    expect(taken).toEqual(["a", "b", "c"]);
    order.add(3, "d");
    expect(taken).toHaveLength(4);
  });

  test("is handed on with gaps when nothing more will come", () => {
    const taken: string[] = [];
    const order = new InOrder<string>((each) => taken.push(each));
    order.add(5, "f");
    order.add(3, "d");
    order.flush();
    expect(taken).toEqual(["d", "f"]);
    order.flush();
    expect(taken).toHaveLength(2);
  });
});
