/** DnsResolver: what `dns` needs of a resolver; `Resolver` of `node:dns/promises` is one. */
import { readFile } from "node:fs/promises";
import { Resolver } from "node:dns/promises";
import type { AddressRecord, ServiceRecord } from "../protocol/dns/dns-answer.js";
import { dnsLimits } from "../protocol/dns/limits.js";
import { parseSearchList, type SearchList } from "../protocol/dns/search.js";

/** Asks for records of a name as it is. Rejects with Node's DNS codes (`ENOTFOUND`, `ESERVFAIL`, …). */
export interface DnsResolver {
  resolve4(name: string, options: { readonly ttl: true }): Promise<readonly AddressRecord[]>;
  resolve6(name: string, options: { readonly ttl: true }): Promise<readonly AddressRecord[]>;
  resolveSrv(name: string): Promise<readonly ServiceRecord[]>;
}

/** Node's resolver, as the machine is configured now, or with servers of one's own. */
export function nodeResolver(servers: readonly string[] | undefined): Resolver {
  const resolver = new Resolver({
    timeout: dnsLimits.serverTimeoutMs,
    tries: dnsLimits.serverTries,
  });
  if (servers !== undefined) resolver.setServers(servers);
  return resolver;
}

/** The machine's search list; none where it is kept elsewhere than in resolv.conf. */
export async function machineSearchList(): Promise<SearchList> {
  const text = await readFile("/etc/resolv.conf", "utf8").catch(() => "");
  return parseSearchList(text.slice(0, dnsLimits.resolvConfBytesMax));
}
