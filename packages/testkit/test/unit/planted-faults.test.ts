/**
 * A contract suite that nothing can fail is worth nothing: each is run here against a twin with one planted fault, and
 * must report it.
 */
import { describe, expect, test } from "@jest/globals";
import { createCodec, createNodeId } from "@foundation/core";
import type { Clock, Codec, Connection, Messenger, PubSubAdapter } from "@foundation/core/ports";
import {
  listDiscovery,
  memoryCluster,
  memoryMeter,
  memoryNetwork,
  memoryPubSub,
  memoryStorage,
  seededRandom,
  trustingAuthentication,
  virtualClock,
} from "@foundation/core/testing";
import * as testkit from "../../src/index.js";

type Case = readonly [name: string, run: () => Promise<void>];

/** Collects a suite's tests instead of running them in this runner. */
function collect(define: (runner: testkit.ContractRunner) => void): readonly Case[] {
  const cases: Case[] = [];
  const prefix: string[] = [];
  define({
    describe: (name, fn) => {
      prefix.push(name);
      fn();
      prefix.pop();
    },
    test: (name, run) => cases.push([[...prefix, name].join(" › "), run]),
  });
  return cases;
}

async function failuresOf(define: (runner: testkit.ContractRunner) => void): Promise<string[]> {
  const failures: string[] = [];
  for (const [name, run] of collect(define)) await run().catch(() => failures.push(name));
  return failures;
}

/** The object with some members replaced; the others still belong to it. */
function altered<T extends object>(target: T, members: (original: T) => Partial<T>): T {
  const replaced = members(target) as Record<PropertyKey, unknown>;
  return new Proxy(target, {
    get: (_, key) => {
      if (Object.hasOwn(replaced, key)) return replaced[key];
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

function withClock(members: (clock: Clock) => Partial<Clock>) {
  return (runner: testkit.ContractRunner) =>
    testkit.clockContract(runner, {
      create: () => {
        const clock = virtualClock();
        return { time: { ...testkit.virtualTime(clock), clock: altered<Clock>(clock, members) } };
      },
    });
}

function withConnection(members: (connection: Connection) => Partial<Connection>) {
  return (runner: testkit.ContractRunner) =>
    testkit.transportContract(runner, {
      create: () => {
        const clock = virtualClock();
        const transport = altered(memoryNetwork({ clock }).transport("a"), (original) => ({
          dial: async (address, options) => altered(await original.dial(address, options), members),
        }));
        return { transport, host: "a", time: testkit.virtualTime(clock), close: () => {} };
      },
    });
}

function withMessenger(members: (messenger: Messenger) => Partial<Messenger>) {
  return (runner: testkit.ContractRunner) =>
    testkit.messengerContract(runner, {
      create: ({ nodes }) => {
        const clock = virtualClock();
        const cluster = memoryCluster({ clock, nodes });
        const broken = cluster.nodes.map((node) => ({
          membership: node.membership,
          broadcast: node.broadcast,
          messenger: altered(node.messenger, members),
        }));
        return { nodes: broken, time: testkit.virtualTime(clock), close: () => {} };
      },
    });
}

function withPubSub(members: (adapter: PubSubAdapter) => Partial<PubSubAdapter>) {
  return (runner: testkit.ContractRunner) =>
    testkit.pubsubContract(runner, {
      create: ({ nodes }) => {
        const clock = virtualClock();
        const hub = memoryPubSub({ clock });
        const ids = Array.from({ length: nodes }, (_, i) => createNodeId(seededRandom(i)));
        const adapters = ids.map((id) => ({ id, adapter: altered(hub.adapter(id), members) }));
        return { nodes: adapters, time: testkit.virtualTime(clock), close: () => {} };
      },
    });
}

function withCodec(members: (codec: Codec) => Partial<Codec>) {
  return (runner: testkit.ContractRunner) =>
    testkit.codecContract(runner, { create: () => altered(createCodec(), members) });
}

describe("contract suites report planted faults", () => {
  const faults: Readonly<Record<string, (runner: testkit.ContractRunner) => void>> = {
    "a clock whose timers run at once": withClock(() => ({
      setTimer: (_, fn) => {
        fn();
        return { cancel: () => {} };
      },
    })),
    "a clock that forgets to cancel": withClock((clock) => ({
      setTimer: (delayMs, fn) => {
        clock.setTimer(delayMs, fn);
        return { cancel: () => {} };
      },
    })),
    "a clock whose turns end at once": withClock(() => ({ endOfTurn: (fn) => fn() })),
    "a connection that loses frames": withConnection((connection) => {
      let sent = 0;
      return { send: (frame) => (sent++ % 100 === 99 ? undefined : connection.send(frame)) };
    }),
    "a connection that sends twice": withConnection((connection) => ({
      send: (frame) => {
        connection.send(frame);
        connection.send(frame);
      },
    })),
    "a connection that drops what was sent before close": withConnection((connection) => {
      let last: Uint8Array | undefined;
      return {
        send: (frame) => {
          if (last) connection.send(last);
          last = frame;
        },
      };
    }),
    "a messenger that sends everything twice": withMessenger((messenger) => ({
      trySend: (route, payload, options) => {
        messenger.trySend(route, payload, options);
        return messenger.trySend(route, payload, options);
      },
    })),
    "a messenger whose requests overtake": withMessenger((messenger) => ({
      send: async (route, payload, options) => {
        await Promise.resolve();
        await messenger.send(route, payload, options);
      },
    })),
    "a messenger that calls an unknown outcome a time-out": withMessenger((messenger) => ({
      request: (route, payload, options) =>
        messenger.request(route, payload, options).catch(() => {
          throw new Error("it failed");
        }),
    })),
    "a messenger whose streams end before their last byte": withMessenger((messenger) => ({
      stream: (route, source, options) => {
        const short = async function* () {
          let last: Uint8Array | undefined;
          for await (const piece of source as AsyncIterable<Uint8Array>) {
            if (last) yield last;
            last = piece;
          }
        };
        return messenger.stream(route, short(), options);
      },
    })),
    "a messenger whose streams do not end when they are aborted": withMessenger((messenger) => ({
      stream: (route, source, options) => {
        const signal = options?.signal?.aborted === true ? options.signal : undefined;
        return messenger.stream(route, source, { ...options, signal });
      },
    })),
    "a messenger that does not end its sources": withMessenger((messenger) => ({
      stream: (route, source, options) => {
        const deaf = { next: () => iterator.next(), [Symbol.asyncIterator]: () => deaf };
        const iterator = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
        return messenger.stream(route, deaf, options);
      },
    })),
    "a pub/sub that publishes twice": withPubSub((adapter) => ({
      publish: (topic, payload) => {
        adapter.publish(topic, payload);
        adapter.publish(topic, payload);
      },
    })),
    "a pub/sub that is ready before it is": withPubSub((adapter) => ({
      subscribe: (pattern, deliver) => ({
        ready: () => Promise.resolve(),
        close: () => adapter.subscribe(pattern, deliver).close(),
      }),
    })),
    "a codec that shares what it was given": withCodec(() => {
      const values: unknown[] = [];
      return {
        encode: (value) => Uint8Array.of(values.push(value) - 1),
        decode: (bytes) => values[bytes[0] ?? 0],
      };
    }),
    "a codec like JSON": withCodec(() => ({
      encode: (value) => Buffer.from(JSON.stringify(value) ?? "null"),
      decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as unknown,
    })),
    "a codec that writes beside where it was told": withCodec((codec) => ({
      encodeInto: (value, target) => codec.encodeInto(value, target, 0),
    })),
    "a codec that reads on behind the end": withCodec((codec) => ({
      decode: (bytes, start) => codec.decode(bytes, start),
    })),
    "an authentication that looks at the length only": (runner) =>
      testkit.authenticationContract(runner, {
        create: (secret) =>
          altered(trustingAuthentication(secret), () => ({
            verify: (_, proof) => proof.length === 16,
          })),
      }),
    "a storage that loses synced bytes": (runner) =>
      testkit.storageContract(runner, {
        create: () => {
          const storage = memoryStorage();
          const broken = altered(storage, () => ({ sync: () => Promise.resolve() }));
          return { storage: broken, reopen: () => storage.reopen(), close: () => storage.close() };
        },
        crash: ({ storage }) => {
          (storage as ReturnType<typeof memoryStorage>).crash();
          return storage;
        },
      }),
    "a meter that mixes up labels": (runner) =>
      testkit.meterContract(runner, {
        create: () => {
          const meter = memoryMeter();
          return altered(meter, () => ({ counter: (name, help) => meter.counter(name, help) }));
        },
      }),
    "a discovery that ends by itself": (runner) =>
      testkit.discoveryContract(runner, {
        create: () => ({
          strategy: {
            name: "short",
            async *discover() {
              await Promise.resolve();
              yield { source: "another", peers: [] };
            },
          },
          time: testkit.virtualTime(virtualClock()),
          close: () => {},
        }),
      }),
  };

  test.each(Object.entries(faults))("%s", async (_, define) => {
    expect(await failuresOf(define)).not.toEqual([]);
  });

  test("and report nothing of a twin without a fault", async () => {
    const time = () => testkit.virtualTime(virtualClock());
    const create = () => ({ strategy: listDiscovery(), time: time(), close: () => {} });
    expect(await failuresOf((runner) => testkit.discoveryContract(runner, { create }))).toEqual([]);
    expect(await failuresOf(withClock(() => ({})))).toEqual([]);
    expect(await failuresOf(withConnection(() => ({})))).toEqual([]);
    expect(await failuresOf(withMessenger(() => ({})))).toEqual([]);
    expect(await failuresOf(withPubSub(() => ({})))).toEqual([]);
  });
});
