/**
 * Where AWS credentials are looked for, in the order of AWS's own tools: options, environment, shared file, web identity
 * (IRSA), container (ECS, EKS pod identity), instance (IMDSv2).
 */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { isSecret } from "@foundation/core";
import type { HttpClient } from "../http/http-client.js";
import { discoveryLimits } from "../limits.js";
import { awsFailure } from "../protocol/aws/aws-refusal.js";
import {
  fileCredentials,
  jsonCredentials,
  stsCredentials,
  webIdentityForm,
  type PlainCredentials,
} from "../protocol/aws/credentials-text.js";
import type { AwsStaticCredentials } from "./aws.js";
import type { CredentialSource } from "./credentials-chain.js";
import type { InstanceMetadata } from "./instance-metadata.js";

export interface SourceFacts {
  readonly given: AwsStaticCredentials | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly http: HttpClient;
  readonly metadata: InstanceMetadata;
  /** For STS, which has an endpoint in each region. */
  readonly region: (signal: AbortSignal) => Promise<string>;
}

export function credentialSources(facts: SourceFacts): readonly CredentialSource[] {
  const { given, env } = facts;
  if (given !== undefined) return [{ name: "the option", find: async () => plainOf(given) }];
  return [
    { name: "the environment", find: async () => fromEnvironment(env) },
    { name: "the shared file", find: () => fromFile(env) },
    { name: "the web identity", find: (signal) => fromWebIdentity(facts, signal) },
    { name: "the container", find: (signal) => fromContainer(facts, signal) },
    { name: "the instance", find: (signal) => fromInstance(facts.metadata, signal) },
  ];
}

type Environment = SourceFacts["env"];

function plainOf({ accessKeyId, secretAccessKey, sessionToken }: AwsStaticCredentials) {
  const text = (secret: AwsStaticCredentials["secretAccessKey"]): string =>
    isSecret(secret) ? secret.reveal() : secret;
  return {
    accessKeyId,
    secretAccessKey: text(secretAccessKey),
    ...(sessionToken !== undefined && { sessionToken: text(sessionToken) }),
  };
}

function fromEnvironment(env: Environment): PlainCredentials | undefined {
  const [id, secret] = [said(env, "AWS_ACCESS_KEY_ID"), said(env, "AWS_SECRET_ACCESS_KEY")];
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined || secret === undefined) {
    throw new Error("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
  }
  const sessionToken = said(env, "AWS_SESSION_TOKEN");
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

async function fromFile(env: Environment): Promise<PlainCredentials | undefined> {
  const given = said(env, "AWS_SHARED_CREDENTIALS_FILE");
  const path = given ?? join(said(env, "HOME") ?? homedir(), ".aws", "credentials");
  const profile = said(env, "AWS_PROFILE");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (given === undefined) return undefined;
    throw new Error(`AWS_SHARED_CREDENTIALS_FILE cannot be read: ${String(error)}`, {
      cause: error,
    });
  }
  const found = fileCredentials(text, profile ?? "default");
  if (found === undefined && profile !== undefined) {
    throw new Error(`the profile "${profile}" has no keys in the shared file`);
  }
  return found;
}

async function fromWebIdentity(
  { env, http, region }: SourceFacts,
  signal: AbortSignal,
): Promise<PlainCredentials | undefined> {
  const file = said(env, "AWS_WEB_IDENTITY_TOKEN_FILE");
  const role = said(env, "AWS_ROLE_ARN");
  if (file === undefined || role === undefined) return undefined;
  const where = await region(signal);
  const session = said(env, "AWS_ROLE_SESSION_NAME") ?? "foundation";
  const answer = await http.exchange({
    method: "POST",
    url: said(env, "AWS_ENDPOINT_URL_STS") ?? `https://sts.${where}.${domainOf(where)}/`,
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    // The file is read each time: the token in it lives for an hour or less.
    body: webIdentityForm(role, session, (await readFile(file, "utf8")).trim()),
    timeoutMs: discoveryLimits.lookTimeoutMs,
    signal,
  });
  if (answer.status !== 200) {
    const { status, body } = answer;
    const action = "sts:AssumeRoleWithWebIdentity";
    throw new Error(awsFailure({ status, body, action, region: where, skewMs: undefined }).reason);
  }
  return wellFormed(stsCredentials(answer.body), "STS");
}

/** Hosts that may be asked over plain HTTP: the token for them must not leave the machine. */
const CONTAINER_HOSTS = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"];

async function fromContainer(
  { env, http }: SourceFacts,
  signal: AbortSignal,
): Promise<PlainCredentials | undefined> {
  const relative = said(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const full = said(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const url = relative === undefined ? full : `http://169.254.170.2${relative}`;
  if (url === undefined) return undefined;
  const { protocol, hostname } = new URL(url);
  const isNear = CONTAINER_HOSTS.includes(hostname) || /^127(\.\d{1,3}){3}$/.test(hostname);
  if (protocol !== "https:" && !isNear) {
    throw new Error(
      `AWS_CONTAINER_CREDENTIALS_FULL_URI names ${hostname}, which is not of this machine`,
    );
  }
  const file = said(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  const token =
    file === undefined
      ? said(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
      : (await readFile(file, "utf8")).trim();
  const answer = await http.exchange({
    method: "GET",
    url,
    headers: { accept: "application/json", ...(token !== undefined && { authorization: token }) },
    timeoutMs: discoveryLimits.metadataTimeoutMs,
    signal,
  });
  if (answer.status !== 200) throw new Error(`it answered with the status ${answer.status}`);
  return wellFormed(jsonCredentials(answer.body), "it");
}

async function fromInstance(
  metadata: InstanceMetadata,
  signal: AbortSignal,
): Promise<PlainCredentials | undefined> {
  const path = "meta-data/iam/security-credentials/";
  const role = (await metadata.get(path, signal))?.split("\n")[0]?.trim();
  if (role === undefined || role === "") {
    throw new Error("no role is attached to the instance; attach an instance profile");
  }
  const body = await metadata.get(`${path}${encodeURIComponent(role)}`, signal);
  return wellFormed(body === undefined ? undefined : jsonCredentials(body), "it");
}

function wellFormed(found: PlainCredentials | undefined, who: string): PlainCredentials {
  if (found === undefined) throw new Error(`${who} answered with something that is no credentials`);
  return found;
}

/** The domain of the region's endpoints. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

/** An empty variable counts as not set: container tools cannot leave one out. */
export function said(env: Environment, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === undefined || text === "" ? undefined : text;
}
