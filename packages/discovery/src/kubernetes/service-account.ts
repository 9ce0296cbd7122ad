/**
 * ServiceAccount: who this pod is for the API server, and where that server is.
 *
 * The kubelet puts a token, the CAs and the namespace into files, and renews the token long before it
 * ends. They are read for each request: a watch begins every few minutes, so it costs nothing, and no
 * token is ever used that has been replaced. Invariant: the token is in no error and no log line.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { discoveryErrors } from "../errors.js";
import { kubernetesLimits } from "../protocol/kubernetes/limits.js";
import type { KubernetesOptions } from "./kubernetes.js";

/** What a request needs. */
export interface Credentials {
  /** `https://host:port` */
  readonly server: string;
  readonly token: string;
  readonly ca: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Reads what options do not give from the pod; see the module. */
export class ServiceAccount {
  readonly #options: KubernetesOptions;
  readonly #environment: Environment;
  readonly #directory: string;

  constructor(options: KubernetesOptions, environment: Environment) {
    this.#options = options;
    this.#environment = environment;
    this.#directory = options.serviceAccountDirectory ?? DIRECTORY;
  }

  /**
   * Where to ask and as whom, as it is now.
   *
   * @throws {ERR_KUBERNETES_SETTING} when something is neither given nor there
   */
  async credentials(): Promise<Credentials> {
    const { token, ca, tokenFile, caFile } = this.#options;
    const server = this.server();
    const [read, trusted] = await Promise.all([
      token ?? text("token", tokenFile ?? join(this.#directory, "token")),
      ca ?? text("ca", caFile ?? join(this.#directory, "ca.crt")),
    ]);
    if (/[^\x21-\x7e]/.test(read) || read === "") {
      throw missing("token", "it is empty or has characters that no token has", "tokenFile");
    }
    return { server, token: read, ca: trusted };
  }

  /** `https://host:port` of the API server. @throws {ERR_KUBERNETES_SETTING} when it is not known */
  server(): string {
    if (this.#options.server !== undefined) return new URL(this.#options.server).origin;
    const host = this.#environment["KUBERNETES_SERVICE_HOST"]?.trim() ?? "";
    const port = this.#environment["KUBERNETES_SERVICE_PORT"]?.trim() ?? "";
    if (host === "") {
      throw missing("server", "KUBERNETES_SERVICE_HOST is not set: is this a pod?", "server");
    }
    const bare = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    try {
      return new URL(`https://${bare}:${port === "" ? "443" : port}`).origin;
    } catch {
      const found = `KUBERNETES_SERVICE_HOST and _PORT are "${host}" and "${port}"`;
      throw missing("server", `${found}, which is no address`, "server");
    }
  }

  /**
   * The namespaces to look at; undefined stands for all of them.
   *
   * @throws {ERR_KUBERNETES_SETTING} when none is given and the pod's own is not known
   */
  async namespaces(): Promise<readonly (string | undefined)[]> {
    const { namespace } = this.#options;
    if (namespace === "*") return [undefined];
    if (typeof namespace === "string") return [namespace];
    if (namespace !== undefined) return [...new Set(namespace)];
    const own = await text("namespace", join(this.#directory, "namespace"));
    if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(own)) return [own];
    throw missing(
      "namespace",
      `the pod's own is "${own.slice(0, 80)}", which is none`,
      "namespace",
    );
  }
}

async function text(setting: string, file: string): Promise<string> {
  const option = setting === "namespace" ? setting : `${setting}File`;
  try {
    const { size } = await stat(file);
    if (size <= kubernetesLimits.fileBytesMax) return (await readFile(file, "utf8")).trim();
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    const hint =
      code === "ENOENT" ? " (automountServiceAccountToken: false, or not in a pod?)" : "";
    throw missing(setting, `${file} cannot be read: ${code}${hint}`, option, error);
  }
  throw missing(setting, `${file} is larger than ${kubernetesLimits.fileBytesMax} bytes`, option);
}

function missing(setting: string, reason: string, option: string, cause?: unknown): Error {
  return discoveryErrors.ERR_KUBERNETES_SETTING(
    `Discovery on Kubernetes does not know its ${setting}: ${reason}. ` +
      `Give kubernetes({ ${option}: … }), or run in a pod with a service account.`,
    { setting, reason },
    cause,
  );
}
