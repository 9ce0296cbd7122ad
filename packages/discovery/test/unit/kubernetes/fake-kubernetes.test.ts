import { describe, expect, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { FakeKubernetes } from "../../kubernetes/fake-kubernetes.js";
import {
  endpointSlice,
  fitsSelector,
  podObject,
  type FakePod,
} from "../../kubernetes/fake-objects.js";
import { shapeProblems } from "../../kubernetes/openapi-shapes.js";

const LIST = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const POD: FakePod = { name: "p-1", ips: ["10.0.0.1"], hostname: "p-1", labels: { app: "shop" } };
const slice = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  endpointSlice({ service: "shop", name, labels }, [POD]);

interface Listed {
  readonly kind: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}
interface Event {
  readonly type: string;
  readonly object: Listed & { readonly metadata: { readonly name?: string } };
}

function world() {
  const clock = virtualClock();
  const fake = new FakeKubernetes({ clock });
  const get = async (url: string, more: { method?: string; token?: string } = {}) => {
    const request = { method: "GET", token: "token-1", ...more, url };
    const answer = await fake.answer(request, new AbortController().signal);
    let text = "";
    for await (const part of answer.body) text += part;
    return { status: answer.status, json: JSON.parse(text) as Listed };
  };
  const names = async (url: string) =>
    (await get(url)).json.items.map(({ metadata }) => metadata.name);
  /** Watches until `stop`; the events so far are in `events`. */
  const watch = (query: string, path = LIST) => {
    const abort = new AbortController();
    const events: Event[] = [];
    const ended = (async () => {
      const url = `${path}?watch=1&${query}`;
      const { body } = await fake.answer({ method: "GET", url, token: "token-1" }, abort.signal);
      for await (const text of body) {
        for (const each of text.trim().split("\n")) events.push(JSON.parse(each) as Event);
      }
      return "ended";
    })().catch((error: { code?: string }) => error.code);
    const told = () => events.map(({ type, object }) => `${type} ${object.metadata.name ?? ""}`);
    return { events, told, ended, stop: () => abort.abort() };
  };
  return { clock, fake, get, names, watch };
}

describe("the fake API server lists", () => {
  test("what fits namespace, kind and selector, at the newest version", async () => {
    const { fake, get, names } = world();
    fake.put(slice("a"));
    fake.put(slice("b", { tier: "web" }));
    fake.put(endpointSlice({ service: "shop", name: "c", namespace: "beta" }, [POD]));
    fake.put(podObject(POD));
    expect(await names(LIST)).toEqual(["a", "b"]);
    expect(await names(`${LIST}?labelSelector=tier%3Dweb`)).toEqual(["b"]);
    expect(await names("/apis/discovery.k8s.io/v1/endpointslices")).toEqual(["c", "a", "b"]);
    expect(await names("/api/v1/namespaces/shop/pods")).toEqual(["p-1"]);
    expect((await get(LIST)).json.metadata.resourceVersion).toBe(String(fake.store.version));
  });

  test("in pages that are all of one version, whatever happens in between", async () => {
    const { fake, get } = world();
    for (const name of ["a", "b", "c"]) fake.put(slice(name));
    const first = (await get(`${LIST}?limit=2`)).json;
    fake.put(slice("d"));
    fake.store.delete(slice("c"));
    const next = encodeURIComponent(first.metadata.continue ?? "");
    const second = (await get(`${LIST}?limit=2&continue=${next}`)).json;
    expect(second.items.map(({ metadata }) => metadata.name)).toEqual(["c"]);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(second.metadata.continue).toBeUndefined();
    fake.store.compact();
    const late = await get(`${LIST}?limit=2&continue=${next}`);
    expect([late.status, late.json.reason]).toEqual([410, "Expired"]);
  });
});

describe("the fake API server watches", () => {
  test("from a version on, and tells what a change means for the selector", async () => {
    const { clock, fake, watch } = world();
    fake.put(slice("old"));
    const { version } = fake.store;
    fake.put(slice("a", { tier: "web" }));
    const all = watch(`resourceVersion=${version}`);
    const web = watch(`resourceVersion=${version}&labelSelector=tier%3Dweb`);
    await clock.settle();
    fake.put(slice("a"));
    await clock.settle();
    fake.put(slice("a", { tier: "web" }));
    fake.store.delete(slice("a"));
    await clock.settle();
    expect(all.told()).toEqual(["ADDED a", "MODIFIED a", "MODIFIED a", "DELETED a"]);
    expect(web.told()).toEqual(["ADDED a", "DELETED a", "ADDED a", "DELETED a"]);
    expect(all.events.at(-1)?.object.metadata.resourceVersion).toBe(String(fake.store.version));
    all.stop();
    web.stop();
    await Promise.all([all.ended, web.ended]);
    expect([clock.pendingTimers, fake.watching]).toEqual([0, 0]);
  });

  test("with bookmarks for those who allow them, until the time is up", async () => {
    const { clock, fake, watch } = world();
    fake.put(slice("a"));
    const asked = `resourceVersion=${fake.store.version}&timeoutSeconds=150`;
    const [allowed, plain] = [watch(`${asked}&allowWatchBookmarks=true`), watch(asked)];
    await clock.advance(150_000);
    expect(await Promise.all([allowed.ended, plain.ended])).toEqual(["ended", "ended"]);
    expect(allowed.told()).toEqual(["BOOKMARK ", "BOOKMARK "]);
    expect(plain.told()).toEqual([]);
  });

  test("and says 410 in the stream where the history does not reach that far", async () => {
    const { fake, watch } = world();
    fake.put(slice("a"));
    fake.put(slice("b"));
    fake.store.compact();
    const late = watch("resourceVersion=1001");
    expect(await late.ended).toBe("ended");
    expect(late.events).toMatchObject([
      { type: "ERROR", object: { code: 410, reason: "Expired" } },
    ]);
  });

  test("and cuts them when it is told to", async () => {
    const { clock, fake, watch } = world();
    const cut = watch("resourceVersion=1000");
    await clock.settle();
    fake.cut();
    expect(await cut.ended).toBe("ECONNRESET");
  });
});

describe("the fake API server refuses", () => {
  test.each([
    ["no token", LIST, { token: "" }, 401, "Unauthorized"],
    ["another path", "/apis/apps/v1/deployments", {}, 404, "NotFound"],
    ["another method", LIST, { method: "POST" }, 405, "MethodNotAllowed"],
    ["a selector that is none", `${LIST}?labelSelector=a%20b%3D`, {}, 400, "BadRequest"],
  ])("%s", async (_, url, more, status, reason) => {
    const { get } = world();
    const answer = await get(url, more);
    expect([answer.status, answer.json.kind, answer.json.reason]).toEqual([
      status,
      "Status",
      reason,
    ]);
  });

  test("what the account may not do, in the words of the real one", async () => {
    const { fake, get } = world();
    fake.forbidden.add("list endpointslices shop");
    const { status, json } = await get(LIST);
    expect(status).toBe(403);
    expect(json.message).toBe(
      'endpointslices.discovery.k8s.io is forbidden: User "system:serviceaccount:shop:default" cannot list ' +
        'resource "endpointslices" in API group "discovery.k8s.io" in the namespace "shop"',
    );
  });
});

describe("what the fake API server answers has the published shape", () => {
  test.each([
    ["EndpointSliceList", LIST],
    ["PodList", "/api/v1/pods"],
    ["Status", "/nothing"],
  ])("%s", async (shape, url) => {
    const { fake, get } = world();
    fake.put(slice("a"));
    fake.put(endpointSlice({ service: "s", addressType: "IPv6" }, [{ ...POD, ips: ["fd00::1"] }]));
    fake.put(podObject({ ...POD, terminating: true, subdomain: "web" }));
    expect(shapeProblems(shape, (await get(url)).json)).toEqual([]);
  });

  test("the events of a watch", async () => {
    const { clock, fake, watch } = world();
    for (const path of [LIST, "/api/v1/pods"]) {
      const version = fake.store.version;
      fake.put(slice("a"));
      fake.put(podObject(POD));
      fake.store.delete(slice("a"));
      fake.store.delete(podObject(POD));
      const all = watch(`resourceVersion=${version}&allowWatchBookmarks=1&timeoutSeconds=61`, path);
      await clock.advance(61_000);
      expect(all.told().map((each) => each.split(" ")[0])).toEqual([
        "ADDED",
        "DELETED",
        "BOOKMARK",
      ]);
      const shape = path === LIST ? "EndpointSlice" : "Pod";
      for (const event of all.events) {
        expect(shapeProblems("WatchEvent", event)).toEqual([]);
        // A bookmark is of the kind that is watched, and empty but for its version.
        if (event.type !== "BOOKMARK") expect(shapeProblems(shape, event.object)).toEqual([]);
      }
    }
  });

  test("another shape is noticed", () => {
    const good = { kind: "EndpointSlice", addressType: "IPv4", endpoints: [{ addresses: ["a"] }] };
    expect(shapeProblems("EndpointSlice", good)).toEqual([]);
    expect(shapeProblems("EndpointSlice", { ...good, addressType: undefined })).not.toEqual([]);
    expect(shapeProblems("EndpointSlice", { ...good, extra: 1 })).not.toEqual([]);
    expect(shapeProblems("EndpointSlice", { ...good, endpoints: [{}] })).not.toEqual([]);
    expect(shapeProblems("EndpointSlice", { ...good, ports: [{ port: "80" }] })).not.toEqual([]);
  });
});

describe("label selectors", () => {
  const labels = { app: "shop", tier: "web" };
  test.each([
    ["app=shop,tier=web", true],
    ["app==shop", true],
    ["app!=shop", false],
    ["other!=x", true],
    ["app in (a, shop)", true],
    ["app notin (a,shop),tier", false],
    ["!other", true],
    ["!app", false],
    ["", true],
  ])("%s fits: %p", (selector, expected) => {
    expect(fitsSelector(labels, selector)).toBe(expected);
  });
});
