/** machineLookup: the addresses of a name as this machine finds them for every program: hosts file, search list, DNS. */
import { lookup } from "node:dns/promises";

/** All addresses of the host. Rejects with the system's code (`ENOTFOUND`, `EAI_AGAIN`). */
export async function machineLookup(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
