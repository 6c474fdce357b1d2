/**
 * Places for sessions at work in one process: a bound on memory, and fair between tenants. Without it an engine that pushes
 * ten thousand sessions at once would open them all, and one tenant's would keep everybody else's waiting.
 */

/** How many sessions may be at work in one process. */
export interface AdmissionLimits {
  /** In all. Default 200. */
  readonly maxActivations?: number | undefined;
  /** Of one tenant. Default: no limit of its own. */
  readonly maxPerTenant?: number | undefined;
  /** Of one agent, by name. Default: no limit of its own. */
  readonly maxPerAgent?: Readonly<Record<string, number>> | undefined;
}

interface Waiting {
  readonly tenant: string;
  readonly agent: string;
  readonly enter: () => void;
}

/** So many may wait in memory; those beyond rest, and are tried again. */
const MAX_WAITING = 2_000;
/** A tenant with fewer may have one more wait, up to twice as many in all: else one with thousands would keep others from their turn. */
const FEW = 20;

/** The places of one worker. */
export class Admission {
  readonly #limits: AdmissionLimits;
  /** Those that wait, by tenant; the tenants take turns. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #tenants = new Map<string, number>();
  readonly #agents = new Map<string, number>();
  #all = 0;
  #waits = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Resolves with a function that gives the place back; undefined, at once, when too many wait. */
  async enter(tenant: string, agent: string): Promise<(() => void) | undefined> {
    if (this.isFull(tenant)) return undefined;
    await new Promise<void>((resolve) => {
      const queue = this.#waiting.get(tenant) ?? [];
      queue.push({ tenant, agent, enter: resolve });
      this.#waiting.set(tenant, queue);
      this.#waits += 1;
      this.#admit();
    });
    return () => {
      this.#all -= 1;
      count(this.#tenants, tenant, -1);
      count(this.#agents, agent, -1);
      this.#admit();
    };
  }

  /** Whether no more sessions of a tenant may wait. */
  isFull(tenant: string): boolean {
    const isFew = (this.#waiting.get(tenant)?.length ?? 0) < FEW;
    return this.#waits >= (isFew ? 2 * MAX_WAITING : MAX_WAITING);
  }

  #admit(): void {
    const { maxActivations = 200 } = this.#limits;
    while (this.#all < maxActivations) {
      const next = this.#next();
      if (next === undefined) return;
      this.#waits -= 1;
      this.#all += 1;
      count(this.#tenants, next.tenant, 1);
      count(this.#agents, next.agent, 1);
      next.enter();
    }
  }

  /** The first that has room, of the tenant whose turn it is; that tenant goes to the end of the line. */
  #next(): Waiting | undefined {
    const { maxPerTenant = Infinity, maxPerAgent = {} } = this.#limits;
    for (const [tenant, queue] of this.#waiting) {
      if ((this.#tenants.get(tenant) ?? 0) >= maxPerTenant) continue;
      const index = queue.findIndex(({ agent }) => {
        const most = Object.hasOwn(maxPerAgent, agent) ? maxPerAgent[agent] : undefined;
        return (this.#agents.get(agent) ?? 0) < (most ?? Infinity);
      });
      const [next] = index < 0 ? [] : queue.splice(index, 1);
      if (next === undefined) continue;
      this.#waiting.delete(tenant);
      if (queue.length > 0) this.#waiting.set(tenant, queue);
      return next;
    }
    return undefined;
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}
