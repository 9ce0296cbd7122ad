/** The promises of kubernetes with all of the real parts: sockets, TLS, a token in a file. */
import { describe, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { discoveryBackendContract, socketTime } from "@foundation/testkit";
import { kubernetes } from "../../src/kubernetes/kubernetes.js";
import { FakeService, kubernetesBackend } from "../backends/kubernetes-backend.js";
import { FakeKubernetes } from "../kubernetes/fake-kubernetes.js";
import { serveFakeKubernetes } from "../kubernetes/serve-fake.js";

/** Virtual seconds pass by real turns of the event loop here: on a busy machine that takes a while. */
const TIMEOUT_MS = 60_000;

discoveryBackendContract(
  { describe, test: (name, fn) => test(name, fn, TIMEOUT_MS) },
  {
    ...kubernetesBackend,
    create: async () => {
      const clock = virtualClock();
      const fake = new FakeKubernetes({ clock });
      const service = new FakeService(fake);
      const served = await serveFakeKubernetes(fake);
      const { server, directory: serviceAccountDirectory } = served;
      return {
        strategy: kubernetes({ server, serviceAccountDirectory }),
        time: socketTime(clock),
        add: (address) => service.add(address),
        remove: (address) => service.remove(address),
        fail: (kind) => service.fail(kind),
        recover: () => service.recover(),
        requests: () => fake.requests.length,
        close: async () => {
          fake.cut();
          await served.close();
        },
      };
    },
    // How pauses grow is tried in virtual time, where half an hour costs nothing.
    failures: ["forbidden", "empty", "malformed"],
    pace: { requests: 1, perMs: 1_000 },
  },
);
