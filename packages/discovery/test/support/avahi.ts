/**
 * Avahi: Debian's mDNS responder on a machine of a LanSegment, with a configuration of its own and without D-Bus; what it
 * announces is a file.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LanSegment } from "./lan-segment.js";

/** True where the responder is installed. */
export async function hasAvahi(): Promise<boolean> {
  await promisify(execFile)("avahi-daemon", ["--version"]);
  return true;
}

const CONFIGURATION = `[server]
use-ipv4=yes
use-ipv6=yes
enable-dbus=no
disallow-other-stacks=no
[publish]
publish-workstation=no
[wide-area]
enable-wide-area=no
`;

/** What one announces; a service group is one file. */
export interface AvahiService {
  readonly name: string;
  readonly type: string;
  readonly port: number;
  readonly texts?: readonly string[];
}

export class Avahi {
  #output = "";

  private constructor(
    readonly folder: string,
    readonly child: ChildProcess,
    readonly ended: Promise<void>,
  ) {
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-200_000);
    });
  }

  /** What it has logged since the last time that was forgotten. */
  get output(): string {
    return this.#output;
  }

  forget(): void {
    this.#output = "";
  }

  static async start(
    segment: LanSegment,
    host: number,
    hostName: string,
    services: readonly AvahiService[] = [],
  ): Promise<Avahi> {
    const folder = await mkdtemp(join(tmpdir(), "foundation-avahi-"));
    await mkdir(join(folder, "services"));
    const named = CONFIGURATION.replace("[server]", `[server]\nhost-name=${hostName}`);
    await writeFile(join(folder, "avahi-daemon.conf"), named);
    for (const service of services) {
      await writeFile(join(folder, "services", `${service.name}.service`), serviceFile(service));
    }
    // Its folders are fixed: in a mount namespace of its own they are others.
    const script = [
      `mount --bind ${folder} /etc/avahi`,
      "mount -t tmpfs tmpfs /run",
      "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --debug",
    ].join(" && ");
    const command = ["netns", "exec", segment.namespace(host), "unshare", "-m", "sh", "-c", script];
    const child = spawn("ip", command, { stdio: ["ignore", "ignore", "pipe"] });
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    return new Avahi(folder, child, ended);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

function serviceFile({ name, type, port, texts = [] }: AvahiService): string {
  const records = texts.map((text) => `<txt-record>${text}</txt-record>`).join("");
  return `<?xml version="1.0" standalone='no'?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>${name}</name>
<service><type>${type}</type><port>${port}</port>${records}</service></service-group>
`;
}
