import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { awsFailure } from "../../src/protocol/aws/aws-refusal.js";
import {
  fileCredentials,
  jsonCredentials,
  stsCredentials,
} from "../../src/protocol/aws/credentials-text.js";
import { readInstances as readEc2 } from "../../src/protocol/aws/describe-instances.js";
import { readHealth } from "../../src/protocol/consul/health-answer.js";
import { refusalOf } from "../../src/protocol/consul/refusal.js";
import { registrationBody, serviceName } from "../../src/protocol/consul/service-registration.js";
import { readGroup, readInstances as readGce } from "../../src/protocol/gcp/compute-answer.js";
import { labelValue } from "../../src/protocol/gcp/compute-query.js";
import { gcpFailure } from "../../src/protocol/gcp/gcp-refusal.js";
import { readKeyFile, readToken } from "../../src/protocol/gcp/token-text.js";

const ownAddress = "ws://10.0.0.9:7000";
const ec2 = { addressType: "private", port: undefined, ownAddress } as const;
const gce = { ...ec2, region: undefined, members: undefined };
const health = { cluster: "shop", ownAddress, passing: true };

/** Every reader of what a backend sends. */
const readers: Readonly<Record<string, (body: string) => unknown>> = {
  "Consul's instances": (body) => readHealth(body, health),
  "EC2's instances": (body) => readEc2(body, ec2),
  "Compute Engine's instances": (body) => readGce(body, gce),
  "a group's members": readGroup,
  "metadata's credentials": jsonCredentials,
  "STS's credentials": stsCredentials,
  "the shared file": (body) => fileCredentials(body, "default"),
  "a key file": readKeyFile,
  "a token": readToken,
  "Consul's refusal": (body) =>
    refusalOf(403, body, { what: "w", service: "s", access: "read", hasToken: true }),
  "AWS's refusal": (body) =>
    awsFailure({ status: 403, body, action: "a", region: "r", skewMs: undefined }),
  "Google's refusal": (body) => gcpFailure({ status: 403, body, permission: "p", project: "x" }),
};

/** Names that the readers look for, so that a made-up answer gets past their first look. */
const word = fc.constantFrom(
  ...["Service", "Checks", "Meta", "Address", "Port", "Node", "Status", "items", "instances"],
  ...["kind", "zone", "name", "status", "networkInterfaces", "networkIP", "warning", "error"],
  ...["compute#instanceList", "compute#instanceAggregatedList", "RUNNING", "passing", "reason"],
);
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.oneof(word, fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(word, tie("json"), { maxKeys: 5 }),
  ),
}));
const tag = fc.constantFrom(
  ...["DescribeInstancesResponse", "reservationSet", "item", "instancesSet", "Errors", "Error"],
  ...["privateIpAddress", "instanceState", "name", "Code", "Message", "nextToken"],
);
const { xml } = fc.letrec<{ xml: string }>((tie) => ({
  xml: fc.oneof(
    { depthSize: "small" },
    fc.string({ maxLength: 8 }),
    fc.tuple(tag, tie("xml"), tie("xml")).map(([name, a, b]) => `<${name}>${a}${b}</${name}>`),
    fc.tuple(tag, tie("xml")).map(([name, inner]) => `<${name}>${inner}`),
  ),
}));
const body = fc.oneof(
  fc.string(),
  json.map((value) => JSON.stringify(value)),
  fc.array(json).map((value) => JSON.stringify(value)),
  xml,
);

describe("whatever a backend sends", () => {
  test.each(Object.keys(readers))("%s: it is read or refused, and never thrown over", (name) => {
    fc.assert(
      fc.property(body, (text) => {
        expect(() => readers[name]?.(text)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  test("XML that nests without end is refused before it can end the stack", () => {
    const deep = "<item>".repeat(200_000);
    expect(readEc2(`<DescribeInstancesResponse>${deep}`, ec2)).toBe(undefined);
  });

  test("XML's entities are not expanded", () => {
    const bomb =
      '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' +
      "<DescribeInstancesResponse><reservationSet>&b;</reservationSet></DescribeInstancesResponse>";
    expect(readEc2(bomb, ec2)).toBe(undefined);
  });
});

describe("names made of a cluster's", () => {
  test("a service's name is a DNS label, whatever the cluster is called", () => {
    fc.assert(
      fc.property(fc.string(), (cluster) => {
        expect(serviceName(cluster)).toMatch(/^[a-zA-Z0-9-]{1,63}$/);
      }),
    );
  });

  test("a label's value is one that Google takes", () => {
    fc.assert(
      fc.property(fc.string(), (cluster) => {
        expect(labelValue(cluster)).toMatch(/^[a-z0-9_-]{0,63}$/);
      }),
    );
  });
});

test("what a node registers is what others read of it", () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((each) => `[${each}]`),
    fc.domain(),
  );
  fc.assert(
    fc.property(fc.string(), host, port, fc.boolean(), (cluster, name, at, draining) => {
      const { hostname } = new URL(`http://${name}:${at}`);
      const address = `ws://${hostname}:${at}`;
      const registration = {
        service: "shop",
        tags: [],
        cluster,
        id: "n-1",
        address,
        ttlMs: 15_000,
        deregisterAfterMs: 60_000,
        draining,
        namespace: undefined,
        partition: undefined,
      };
      const sent = JSON.parse(registrationBody(registration)) as {
        readonly Check: { readonly Status: string };
      };
      const entry = { Node: {}, Service: sent, Checks: [{ Status: sent.Check.Status }] };
      expect(readHealth(JSON.stringify([entry]), { ...health, cluster })).toEqual({
        peers: [{ address, ...(draining && { draining: true }) }],
      });
    }),
  );
});
