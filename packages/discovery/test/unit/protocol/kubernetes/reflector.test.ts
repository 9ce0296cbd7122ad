import { describe, expect, test } from "@jest/globals";
import type { ListPage } from "../../../../src/protocol/kubernetes/answers.js";
import type { KubernetesObject } from "../../../../src/protocol/kubernetes/endpoint-rules.js";
import { kubernetesLimits } from "../../../../src/protocol/kubernetes/limits.js";
import {
  Reflector,
  type ReflectorEffect,
  type ReflectorInput,
} from "../../../../src/protocol/kubernetes/reflector.js";

const object = (key: string, resourceVersion = "5"): KubernetesObject => ({
  key,
  resourceVersion,
  candidates: [],
  notReady: 0,
  issues: [],
});
const page = (keys: readonly string[], next?: string, resourceVersion = "10"): ListPage => ({
  resourceVersion,
  next,
  objects: keys.map((key) => object(key)),
});

/** A reflector that was started, and hears everything at second `atS`. */
function started() {
  const reflector = new Reflector();
  reflector.handle({ type: "start" }, 0);
  const hear = (input: ReflectorInput, atS = 0): ReflectorEffect[] => [
    ...reflector.handle(input, atS * 1_000),
  ];
  return { reflector, hear };
}

/** One that has listed `a` and `b` at version 10 and begun to watch at second 0. */
function watching() {
  const { reflector, hear } = started();
  hear({ type: "page", page: page(["a", "b"]) });
  hear({ type: "watching" });
  return { reflector, hear };
}

const failed = (because: "gone" | "lost" | "failed", retryAfterMs?: number): ReflectorInput => ({
  type: "failed",
  because,
  retryAfterMs,
});
const { pageObjects, pauseMinMs, pauseMaxMs, doubtsMax } = kubernetesLimits;

describe("a reflector", () => {
  test("lists first, page after page, and then watches from the list's version", () => {
    const { hear } = started();
    const more = hear({ type: "page", page: page(["a"], "token") });
    expect(more).toEqual([{ type: "list", next: "token", limit: pageObjects }]);
    expect(hear({ type: "page", page: page(["b"]) })).toEqual([
      { type: "put", object: object("a") },
      { type: "put", object: object("b") },
      { type: "listed" },
      { type: "watch", resourceVersion: "10" },
    ]);
  });

  test("pages of a list that failed half-way are forgotten", () => {
    const { hear } = started();
    hear({ type: "page", page: page(["left"], "token") });
    expect(hear(failed("failed"))).toEqual([{ type: "pause", ms: pauseMinMs }]);
    expect(hear({ type: "rested" })).toEqual([
      { type: "list", next: undefined, limit: pageObjects },
    ]);
    const effects = hear({ type: "page", page: page(["a"]) });
    expect(effects.filter(({ type }) => type === "put")).toEqual([
      { type: "put", object: object("a") },
    ]);
  });

  test("a page that has expired makes it list in one piece", () => {
    const { hear } = started();
    hear({ type: "page", page: page(["a"], "token") });
    expect(hear(failed("gone"))).toEqual([{ type: "list", next: undefined, limit: undefined }]);
  });

  test("goes on watching from the last version that it saw", () => {
    const { hear } = watching();
    hear({ type: "event", event: { type: "put", object: object("c", "12") } });
    hear({ type: "event", event: { type: "bookmark", resourceVersion: "40" } });
    expect(hear({ type: "ended" }, 300)).toEqual([{ type: "watch", resourceVersion: "40" }]);
  });

  test("a version that is gone is listed again at once, and who left meanwhile is removed", () => {
    const { hear } = watching();
    expect(hear(failed("gone"), 300)).toEqual([
      { type: "list", next: undefined, limit: pageObjects },
    ]);
    const effects = hear({ type: "page", page: page(["b"], undefined, "90") }, 301);
    expect(effects[0]).toEqual({ type: "remove", key: "a" });
    expect(effects.at(-1)).toEqual({ type: "watch", resourceVersion: "90" });
  });

  test("a server that is always gone is not asked in a circle", () => {
    const { hear } = watching();
    const pauses: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const [todo] = hear(failed("gone"));
      if (todo?.type === "pause") pauses.push(todo.ms);
      hear({ type: "rested" });
      hear({ type: "page", page: page(["a"]) });
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000]);
  });

  test("failures in a row pause ever longer, also when lists succeed in between", () => {
    const { hear } = started();
    const pauses: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      hear({ type: "page", page: page(["a"]) });
      const [todo] = hear(failed("lost"));
      if (todo?.type === "pause") pauses.push(todo.ms);
      hear({ type: "rested" });
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, pauseMaxMs, pauseMaxMs]);
  });

  test("a watch that said something ends the row of failures", () => {
    const { hear } = watching();
    for (let round = 0; round < 4; round += 1) hear(failed("failed"));
    hear({ type: "event", event: { type: "bookmark", resourceVersion: "11" } });
    expect(hear(failed("failed"))).toEqual([{ type: "pause", ms: pauseMinMs }]);
  });

  test("a watch that ends at once and said nothing is a failure, one that lasted is not", () => {
    expect(watching().hear({ type: "ended" }, 0.9)).toEqual([{ type: "pause", ms: pauseMinMs }]);
    expect(watching().hear({ type: "ended" }, 1)[0]?.type).toBe("watch");
  });

  test.each([
    [20_000, 20_000],
    [100, pauseMinMs],
    [3_600_000, kubernetesLimits.retryAfterMaxMs],
  ])("a server that asks for %d ms is left alone for %d ms", (asked, pause) => {
    expect(watching().hear(failed("failed", asked))).toEqual([{ type: "pause", ms: pause }]);
  });

  test("an older list than was seen is refused a few times, then believed", () => {
    const { reflector, hear } = watching();
    hear(failed("lost"));
    const stale = page(["a"], undefined, "9");
    for (let i = 0; i < doubtsMax; i += 1) {
      expect(reflector.objection(stale)).toMatchObject({ type: "stale" });
    }
    expect(reflector.objection(stale)).toBeUndefined();
    expect(started().reflector.objection(stale)).toBeUndefined();
    expect(reflector.objection(page(["a"], undefined, "opaque"))).toBeUndefined();
  });

  test("a list that is suddenly empty is refused a few times, then believed", () => {
    const { reflector, hear } = watching();
    hear(failed("gone"));
    const empty = page([], undefined, "20");
    for (let i = 0; i < doubtsMax; i += 1) {
      expect(reflector.objection(empty)).toMatchObject({ type: "empty" });
    }
    expect(reflector.objection(empty)).toBeUndefined();
    expect(hear({ type: "page", page: empty })).toHaveLength(4);
    // It is no doubt again: nobody is known now.
    hear(failed("lost"));
    expect(reflector.objection(page([], undefined, "21"))).toBeUndefined();
    expect(started().reflector.objection(empty)).toBeUndefined();
  });

  test("beyond the limit newcomers are left out, and those who are known still change and leave", () => {
    const { reflector, hear } = started();
    const all = [...Array(kubernetesLimits.objectsMax).keys()].map(String);
    hear({ type: "page", page: page(all) });
    const put = (key: string) =>
      hear({ type: "event", event: { type: "put", object: object(key, "20") } });
    expect(put("newcomer")).toEqual([{ type: "stay" }]);
    expect(put("7")[0]?.type).toBe("put");
    hear({ type: "event", event: { type: "removed", key: "7", resourceVersion: "21" } });
    expect(put("newcomer")[0]?.type).toBe("put");
    expect(reflector.objection(page(all, undefined, "22"))).toBeUndefined();
  });

  test("a list without end is refused", () => {
    const { reflector, hear } = started();
    const keys = [...Array(pageObjects).keys()].map(String);
    let pages = 0;
    while (reflector.objection(page(keys, "more")) === undefined) {
      hear({ type: "page", page: page(keys, "more") });
      pages += 1;
    }
    expect(pages).toBe(kubernetesLimits.objectsMax / pageObjects);
  });
});
