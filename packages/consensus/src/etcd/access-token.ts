/**
 * AccessToken: what etcd gives for a name and a password, and wants to see with every request.
 *
 * Asked for once by however many requests wait for it (etcd hashes the password each time, which is slow on purpose), and
 * again when etcd says that it is old. An etcd without authentication gives none, and wants none.
 */
import { AuthenticationOff } from "./refusals.js";
import type { Requests } from "./requests.js";
import type { Settings } from "./settings.js";

export class AccessToken {
  readonly #requests: Requests;
  readonly #settings: Settings;
  #asked: Promise<string> | undefined;
  #last: string | undefined;

  constructor(requests: Requests, settings: Settings) {
    this.#requests = requests;
    this.#settings = settings;
  }

  /** Empty where authentication is off. */
  async current(): Promise<string> {
    this.#asked ??= this.#ask();
    return await this.#asked;
  }

  /** This one was refused; by now there may be another. */
  drop(token: string): void {
    if (token === this.#last) this.#asked = undefined;
  }

  async #ask(): Promise<string> {
    const { credentials, runtime } = this.#settings;
    try {
      const { token } = await this.#requests.ask({
        name: "Authenticate",
        request: {
          name: credentials?.username ?? "",
          password: credentials?.password.reveal() ?? "",
        },
        effect: "none",
        refused: { what: "signing in" },
      });
      this.#last = token;
      return token;
    } catch (error) {
      if (error instanceof AuthenticationOff) {
        runtime.logger.warn("etcd knows no users: the engine's credentials are not used", {
          endpoints: this.#settings.endpoints,
        });
        return "";
      }
      this.#asked = undefined;
      throw error;
    }
  }
}
