/**
 * Library: `@grpc/grpc-js` and `@grpc/proto-loader`, loaded when the first request needs them.
 *
 * They are optional peer dependencies: who uses no etcd neither installs nor loads them.
 */
import type * as Grpc from "@grpc/grpc-js";
import type { MethodDefinition } from "@grpc/proto-loader";
import { consensusErrors } from "../errors.js";
import { etcdApi } from "./etcd-api.js";
import type { EtcdCalls } from "./messages.js";

export type Method = MethodDefinition<object, object>;

export interface Library {
  readonly grpc: typeof Grpc;
  readonly methods: Readonly<Record<keyof EtcdCalls | "Watch", Method>>;
}

/** @throws {ERR_PACKAGE_REQUIRED} when one is not installed */
export async function loadLibrary(): Promise<Library> {
  const grpc = await load("@grpc/grpc-js", async () => await import("@grpc/grpc-js"));
  const loader = await load("@grpc/proto-loader", async () => await import("@grpc/proto-loader"));
  const services = loader.fromJSON(etcdApi() as Parameters<typeof loader.fromJSON>[0], {
    keepCase: true,
    longs: String,
    enums: Number,
    defaults: true,
    oneofs: false,
  });
  const methods: Record<string, Method> = {};
  for (const service of Object.values(services)) {
    for (const [name, method] of Object.entries(service)) {
      if (isMethod(method)) methods[name] = method;
    }
  }
  return { grpc, methods: methods as Library["methods"] };
}

/** @throws {ERR_PACKAGE_REQUIRED} when `bring` says that there is no such package */
export async function load<Module extends object>(
  name: string,
  bring: () => Promise<Module>,
): Promise<Module> {
  try {
    const module = await bring();
    // CommonJS: what Node cannot tell from the outside stands in `default` alone.
    return (module as { readonly default?: Module }).default ?? module;
  } catch (error) {
    const code = (error as { readonly code?: unknown } | null)?.code;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") throw error;
    throw consensusErrors.ERR_PACKAGE_REQUIRED(
      `The engine over etcd needs the package ${name}, which is not installed: ` +
        "npm install @grpc/grpc-js @grpc/proto-loader",
      { package: name },
      error,
    );
  }
}

function isMethod(value: unknown): value is Method {
  return typeof value === "object" && value !== null && "requestSerialize" in value;
}
