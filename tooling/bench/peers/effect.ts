/** Effect RPC over TCP with its binary schema format, which is what its cluster uses. */
import type { Contestant } from "../src/contestants/contestant.js";

/** Modules that this repository does not depend on, so their types are not known here. */
// oxlint-disable-next-line typescript/no-explicit-any
type Untyped = any;

/** Events that are sent before their promises are awaited. */
const WINDOW = 64;

/** The platform's modules one by one: its index wants Redis. */
async function load(): Promise<Record<"effect" | "rpc" | "servers" | "sockets", Untyped>> {
  const platform = "@effect/platform-node";
  const names = ["effect", "effect/rpc", `${platform}/NodeSocketServer`, `${platform}/NodeSocket`];
  const [effect, rpc, servers, sockets] = await Promise.all(names.map((name) => import(name)));
  return { effect, rpc, servers, sockets };
}

function api({ Schema }: Untyped, { Rpc, RpcGroup }: Untyped): Untyped {
  const { String: text, Number: number, Boolean: boolean } = Schema;
  const row = Schema.Struct({
    sku: text,
    name: text,
    qty: number,
    price: number,
    tags: Schema.Array(text),
    active: boolean,
    note: text,
  });
  const payload = Schema.Struct({
    id: number,
    type: text,
    ts: number,
    user: Schema.optional(text),
    ok: Schema.optional(boolean),
    total: Schema.optional(number),
    rows: Schema.optional(Schema.Array(row)),
  });
  return RpcGroup.make(
    Rpc.make("echo", { payload: { value: payload }, success: payload }),
    Rpc.make("event", { payload: { value: payload } }),
  );
}

export const effectRpc: Contestant = {
  async serve(onEvent, [port]) {
    const { effect, rpc, servers } = await load();
    const { Effect, Layer, ManagedRuntime } = effect;
    const group = api(effect, rpc);
    const handlers = group.toLayer({
      echo: ({ value }: { value: unknown }) => Effect.succeed(value),
      event: ({ value }: { value: unknown }) => Effect.sync(() => onEvent(value)),
    });
    const server = rpc.RpcServer.layer(group, {
      disableTracing: true,
      concurrency: "unbounded",
    }).pipe(
      Layer.provide(handlers),
      Layer.provide(rpc.RpcServer.layerProtocolSocketServer),
      Layer.provide(servers.layer({ host: "127.0.0.1", port })),
      Layer.provide(rpc.RpcSerialization.layerSchemaBinary({ maxFrameSize: "unbounded" })),
    );
    await ManagedRuntime.make(server).runPromise(Effect.void);
    return { address: "" };
  },
  async connect(_address, [port]) {
    const { effect, rpc, sockets } = await load();
    const { Context, Effect, Layer, ManagedRuntime } = effect;
    class Client extends Context.Service()("Client") {}
    const layer = Layer.effect(Client)(
      rpc.RpcClient.make(api(effect, rpc), { disableTracing: true }),
    ).pipe(
      Layer.provide(rpc.RpcClient.layerProtocolSocket()),
      Layer.provide(sockets.layerNet({ host: "127.0.0.1", port })),
      Layer.provide(rpc.RpcSerialization.layerSchemaBinary({ maxFrameSize: "unbounded" })),
    );
    const runtime = ManagedRuntime.make(layer);
    const client = await runtime.runPromise(
      Effect.gen(function* (): Generator<Untyped, Untyped, Untyped> {
        return yield* Client as Untyped;
      }),
    );
    let sent: Promise<unknown>[] = [];
    return {
      call: (value) => runtime.runPromise(client.echo({ value })),
      emit: (value) =>
        sent.push(runtime.runPromise(client.event({ value }, { discard: true }))) < WINDOW,
      room: async () => {
        const awaited = sent;
        sent = [];
        await Promise.all(awaited);
      },
    };
  },
};
