/**
 * CredentialsChain: the first source that has credentials, kept until shortly before they expire.
 *
 * A source that does not apply here says nothing; one that applies and fails says why, and the next is tried, so that the
 * problem at the end names every one. Credentials that still hold are used when their renewal fails.
 */
import type { Clock } from "@foundation/core";
import { Secret } from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import type { PlainCredentials } from "../protocol/aws/credentials-text.js";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secret: Secret;
  readonly sessionToken: Secret | undefined;
  /** Wall-clock milliseconds. */
  readonly expiresAtMs: number | undefined;
  /** Where they are from, for people. */
  readonly source: string;
}

export interface CredentialSource {
  /** For people: `the environment`. */
  readonly name: string;
  /** `undefined` where it does not apply. @throws Error in words where it applies and fails */
  find(signal: AbortSignal): Promise<PlainCredentials | undefined>;
}

export class CredentialsChain {
  readonly #sources: readonly CredentialSource[];
  readonly #clock: Clock;
  #current: AwsCredentials | undefined;

  constructor(sources: readonly CredentialSource[], clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
  }

  /** @throws Error that says what was tried and why it gave none */
  async current(signal: AbortSignal): Promise<AwsCredentials> {
    const current = this.#current;
    if (current !== undefined && this.#holds(current, discoveryLimits.credentialsEarlyMs)) {
      return current;
    }
    try {
      this.#current = await this.#find(signal);
      return this.#current;
    } catch (error) {
      if (current !== undefined && this.#holds(current, 0)) return current;
      throw error;
    }
  }

  /** They were refused: the next request takes new ones. */
  drop(): void {
    this.#current = undefined;
  }

  #holds({ expiresAtMs }: AwsCredentials, earlyMs: number): boolean {
    return expiresAtMs === undefined || this.#clock.wallNow() + earlyMs < expiresAtMs;
  }

  async #find(signal: AbortSignal): Promise<AwsCredentials> {
    const tried: string[] = [];
    for (const source of this.#sources) {
      try {
        const found = await source.find(signal);
        if (found !== undefined) return kept(found, source.name);
        tried.push(`${source.name}: none`);
      } catch (error) {
        tried.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error(`there are no AWS credentials (${tried.join("; ")})`);
  }
}

function kept(plain: PlainCredentials, source: string): AwsCredentials {
  const { accessKeyId, secretAccessKey, sessionToken, expiresAtMs } = plain;
  return {
    accessKeyId,
    secret: new Secret(secretAccessKey),
    sessionToken: sessionToken === undefined ? undefined : new Secret(sessionToken),
    expiresAtMs,
    source,
  };
}
