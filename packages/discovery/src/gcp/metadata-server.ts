/**
 * MetadataServer: what a Google machine says about itself.
 *
 * Both sides name the flavour: the request, or the server does not answer; the answer, or it is not the server's (a proxy,
 * a captive portal) and its token would be anybody's. https://cloud.google.com/compute/docs/metadata/querying-metadata
 */
import { HttpTrouble, type HttpClient } from "../http/http-client.js";
import { discoveryLimits } from "../limits.js";

const FLAVOR = "metadata-flavor";

export class MetadataServer {
  readonly #http: HttpClient;
  readonly #base: string;

  constructor(http: HttpClient, env: Readonly<Record<string, string | undefined>>) {
    this.#http = http;
    const host = env["GCE_METADATA_HOST"]?.trim();
    const named = host === undefined || host === "" ? "metadata.google.internal" : host;
    this.#base = `http://${named}/computeMetadata/v1`;
  }

  /** The text at a path. @throws Error in words */
  async get(path: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#http
      .exchange({
        method: "GET",
        url: `${this.#base}/${path}`,
        headers: { [FLAVOR]: "Google" },
        timeoutMs: discoveryLimits.metadataTimeoutMs,
        signal,
      })
      .catch((error: unknown) => {
        const words = error instanceof HttpTrouble ? error.message : String(error);
        throw new Error(`this is no Google machine, or its metadata server is away (${words})`, {
          cause: error,
        });
      });
    if (answer.headers[FLAVOR] !== "Google") {
      throw new Error("what answers for the metadata server does not say that it is Google's");
    }
    if (answer.status === 200) return answer.body;
    const account = answer.status === 404 && path.includes("service-accounts/");
    throw new Error(
      account
        ? "the instance has no service account; attach one"
        : `the metadata server answered with the status ${answer.status}`,
    );
  }
}
