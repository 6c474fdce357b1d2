/**
 * The address of the workers, registered with Restate, and looked after (self-healing): Restate may lose its data, be told to
 * forget the address, or send the sessions of all to a release that is gone, and nobody would be called any more.
 *
 *   L1  an address that Restate does not have is registered again
 *   L2  that of another release is left alone as long as Restate reaches it; after so many looks in a row that it does not, ours
 *       is registered again, and the other one is there once a worker of it starts
 *   L3  looks of many workers come apart (jitter): the first of them mends it, and the others find it mended
 */

import { hasCode, LoophostError, messageOf } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import type { RestateSettings } from "./options.ts";
import { ask, below } from "./requests.ts";

/** Between two looks of a worker, on average. */
const LOOK_MS = 10_000;
/** An address that could not be reached by so many looks in a row is gone. */
const GONE_LOOKS = 3;

/** What Restate has under the name of an application: where it sends the calls. */
interface Found {
  readonly id: string;
  /** Absent for workers that are not called over HTTP. */
  readonly uri: string | undefined;
  /** Changes when it is registered again. */
  readonly since: string;
}

/** The registration of one worker; without `admin` nothing is asked. */
export class Registration {
  readonly #settings: RestateSettings;
  readonly #uri: string;
  readonly #lookMs: number;
  #registering: Promise<void> | undefined;
  #unreached = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** @param uri where Restate reaches this worker, and those like it */
  constructor(settings: RestateSettings, uri: string, lookMs: number = LOOK_MS) {
    this.#settings = settings;
    this.#uri = uri;
    this.#lookMs = lookMs;
  }

  /** Makes the address known, from now on the one that is called; again does no harm. */
  register(): Promise<void> {
    this.#registering ??= this.#post({ uri: this.#uri, force: true }).finally(
      () => (this.#registering = undefined),
    );
    return this.#registering;
  }

  /** Looks after it from now on, until `stop()`. */
  watch(): void {
    if (this.#settings.admin === undefined || this.#isStopped) return;
    const again = () => this.watch();
    const look = () => {
      // A Restate that does not answer is asked by the next look.
      this.#look().then(again, again);
    };
    this.#timer = setTimeout(look, this.#lookMs * (0.5 + Math.random())).unref();
  }

  /** Looks no more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const found = await this.#find();
    if (this.#isStopped) return;
    const isLeft = found !== undefined && (this.#isOurs(found) || (await this.#isReached(found)));
    this.#unreached = isLeft ? 0 : this.#unreached + 1;
    if (isLeft || (found !== undefined && this.#unreached < GONE_LOOKS)) return;
    // Race: a worker of a newer release may have started meanwhile.
    const { id, since } = (await this.#find()) ?? {};
    if (this.#isStopped || id !== found?.id || since !== found?.since) return;
    await this.register();
    this.#unreached = 0;
  }

  /** What is called now; undefined where Restate knows none. */
  async #find(): Promise<Found | undefined> {
    const service = await this.#get(`services/${this.#settings.name}`).catch((thrown: unknown) => {
      if (thrown instanceof LoophostError && thrown.status === 404) return undefined;
      throw thrown;
    });
    if (service === undefined) return undefined;
    const id = String(service["deployment_id"]);
    const { uri, created_at: since } = await this.#get(`deployments/${encodeURIComponent(id)}`);
    return { id, uri: typeof uri === "string" ? uri : undefined, since: String(since) };
  }

  #isOurs({ uri = "" }: Found): boolean {
    return URL.parse(uri)?.href === new URL(this.#uri).href;
  }

  /** Whether Restate reaches an address: it asks there what there is, and keeps nothing of it. */
  async #isReached({ uri }: Found): Promise<boolean> {
    if (uri === undefined) return true;
    try {
      await this.#post({ uri, force: true, dry_run: true });
      return true;
    } catch (thrown) {
      // It answered just before, so one that does not come waits for an address that swallows what is sent there.
      if (hasCode(thrown, "host_unreachable") || messageOf(thrown).includes(UNREACHED)) return false;
      throw thrown;
    }
  }

  async #get(path: string): Promise<Readonly<Record<string, unknown>>> {
    const url = below(this.#settings.admin ?? "", path);
    const found: unknown = JSON.parse(await ask(this.#settings, { method: "GET", url }));
    return isObject(found) ? found : {};
  }

  async #post(body: Json): Promise<void> {
    const { admin } = this.#settings;
    if (admin !== undefined)
      await ask(this.#settings, { method: "POST", url: below(admin, "deployments"), body });
  }
}

/** Restate's code for an address where it found no workers. */
const UNREACHED = "META0003";
