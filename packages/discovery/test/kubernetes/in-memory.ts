/** The strategy against a fake API server in memory: for virtual time, without a socket or a file. */
import type { DiscoveryContext, DiscoveryStrategy, PeerSet } from "@foundation/core";
import type { ApiResponse, ConnectApi } from "../../src/kubernetes/api-connection.js";
import { kubernetes, type KubernetesOptions } from "../../src/kubernetes/kubernetes.js";
import { watchPeers } from "../../src/kubernetes/watch-peers.js";
import type { FakeKubernetes } from "./fake-kubernetes.js";

/** Options that need neither environment nor files. */
export const IN_MEMORY: KubernetesOptions = {
  server: "https://10.96.0.1",
  token: "token-1",
  ca: "none",
  namespace: "shop",
};

/** The strategy, asking the fake. */
export function kubernetesInMemory(
  fake: FakeKubernetes,
  options: KubernetesOptions = {},
): DiscoveryStrategy {
  const all = { ...IN_MEMORY, ...options };
  const world = { environment: {}, connect: connectTo(fake) };
  const discover = (context: DiscoveryContext): AsyncIterable<PeerSet> =>
    watchPeers(all, context, world);
  return { name: kubernetes(all).name, discover };
}

/** A connection that asks the fake, whatever the server's name is. */
export function connectTo(fake: FakeKubernetes): ConnectApi {
  return () => ({
    get: async (path, token, signal): Promise<ApiResponse> => {
      const { status, headers, body } = await fake.answer(
        { method: "GET", url: path, token },
        signal,
      );
      return { status, retryAfter: headers["retry-after"], body: bytesOf(body) };
    },
    close: () => undefined,
  });
}

async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text);
}
