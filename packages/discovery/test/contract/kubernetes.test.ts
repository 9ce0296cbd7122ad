import { describe, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { discoveryBackendContract, discoveryContract, virtualTime } from "@foundation/testkit";
import { kubernetesBackend, FakeService } from "../backends/kubernetes-backend.js";
import { FakeKubernetes } from "../kubernetes/fake-kubernetes.js";
import { kubernetesInMemory } from "../kubernetes/in-memory.js";

const runner = { describe, test };
const fakes = new WeakMap<
  object,
  { readonly fake: FakeKubernetes; readonly service: FakeService }
>();

discoveryContract(runner, {
  create: () => {
    const clock = virtualClock();
    const fake = new FakeKubernetes({ clock });
    const strategy = kubernetesInMemory(fake);
    const fixture = { strategy, time: virtualTime(clock), close: () => fake.cut() };
    fakes.set(fixture, { fake, service: new FakeService(fake) });
    return fixture;
  },
  appear: (fixture, address) => fakes.get(fixture)?.service.add(address),
  vanish: (fixture, address) => fakes.get(fixture)?.service.remove(address),
  fail: (fixture) => fakes.get(fixture)?.fake.fail({ type: "cut" }),
  mend: (fixture) => fakes.get(fixture)?.fake.fail(undefined),
});

discoveryBackendContract(runner, kubernetesBackend);
