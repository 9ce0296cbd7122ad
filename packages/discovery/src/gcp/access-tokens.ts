/**
 * AccessTokens: the token that requests to Google's APIs carry, kept until shortly before it expires.
 *
 * With a key file, the service account signs an assertion (RS256) and gets a token for it; else the metadata server has
 * one. A token that still holds is used when its renewal fails.
 */
import { createSign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Secret, type Clock } from "@foundation/core";
import type { HttpClient } from "../http/http-client.js";
import { discoveryLimits } from "../limits.js";
import { gcpFailure } from "../protocol/gcp/gcp-refusal.js";
import {
  assertionForm,
  readKeyFile,
  readToken,
  unsignedAssertion,
  type ServiceAccountKey,
} from "../protocol/gcp/token-text.js";
import type { MetadataServer } from "./metadata-server.js";

interface Token {
  readonly secret: Secret;
  /** By the monotonic clock: a wall clock that jumps must not make it old or young. */
  readonly untilMs: number;
}

export class AccessTokens {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #metadata: MetadataServer;
  readonly #keyFile: string | undefined;
  #current: Token | undefined;

  constructor(
    http: HttpClient,
    clock: Clock,
    metadata: MetadataServer,
    keyFile: string | undefined,
  ) {
    this.#http = http;
    this.#clock = clock;
    this.#metadata = metadata;
    this.#keyFile = keyFile;
  }

  /** Where tokens are from, for people. */
  get source(): string {
    return this.#keyFile === undefined ? "the metadata server" : `the key file ${this.#keyFile}`;
  }

  /** The project that the key file names. */
  async project(): Promise<string | undefined> {
    return this.#keyFile === undefined ? undefined : (await keyOf(this.#keyFile)).project;
  }

  /** @throws Error in words */
  async current(signal: AbortSignal): Promise<Secret> {
    const current = this.#current;
    if (current !== undefined && this.#holds(current, discoveryLimits.credentialsEarlyMs)) {
      return current.secret;
    }
    try {
      this.#current = await this.#fetch(signal);
      return this.#current.secret;
    } catch (error) {
      if (current !== undefined && this.#holds(current, 0)) return current.secret;
      throw error;
    }
  }

  /** It was refused: the next request takes a new one. */
  drop(): void {
    this.#current = undefined;
  }

  #holds({ untilMs }: Token, earlyMs: number): boolean {
    return this.#clock.now() + earlyMs < untilMs;
  }

  async #fetch(signal: AbortSignal): Promise<Token> {
    const askedAtMs = this.#clock.now();
    const body =
      this.#keyFile === undefined
        ? await this.#metadata.get("instance/service-accounts/default/token", signal)
        : await this.#exchange(await keyOf(this.#keyFile), signal);
    const read = readToken(body);
    if (read === undefined) throw new Error(`${this.source} gave something that is no token`);
    return { secret: new Secret(read.token), untilMs: askedAtMs + read.lifeMs };
  }

  async #exchange(key: ServiceAccountKey, signal: AbortSignal): Promise<string> {
    const answer = await this.#http.exchange({
      method: "POST",
      url: key.tokenUri,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: assertionForm(signed(key, this.#clock.wallNow())),
      timeoutMs: discoveryLimits.lookTimeoutMs,
      signal,
    });
    if (answer.status === 200) return answer.body;
    const { status, body } = answer;
    const facts = { status, body, permission: "", project: key.project ?? "" };
    const { reason } = gcpFailure(facts);
    throw new Error(
      `Google gave no token for ${key.email}: ${reason}. The key may be deleted, or this machine's clock wrong`,
    );
  }
}

/** Read each time: a key that was rotated is in the same file. */
async function keyOf(file: string): Promise<ServiceAccountKey> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new Error(`the key file cannot be read: ${String(error)}`, { cause: error });
  });
  const key = readKeyFile(text);
  if (typeof key === "string") throw new Error(`the key file ${file} cannot be used: ${key}`);
  return key;
}

function signed(key: ServiceAccountKey, wallMs: number): string {
  const text = unsignedAssertion(key, wallMs, (part) => Buffer.from(part).toString("base64url"));
  try {
    const signature = createSign("RSA-SHA256").update(text).sign(key.privateKey, "base64url");
    return `${text}.${signature}`;
  } catch (error) {
    throw new Error(`the private key of ${key.email} cannot be used`, { cause: error });
  }
}
