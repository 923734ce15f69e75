/**
 * Which deploy holds which tabs, how firmly and until when. Pure: time comes in as milliseconds since the epoch, so
 * that leases survive a restart of the process.
 */
export type Level = 'sources' | 'all';

export interface Claim {
  readonly deploy: string;
  readonly tabs: readonly string[];
  readonly level: Level;
  /** When it ends by itself, unless sealed. */
  readonly expires: number;
  readonly sealed: boolean;
}

export type Claims = ReadonlyMap<string, Claim>;

/** Adds or renews a claim. A later one of the same deploy covers its tabs too, and never lowers level or seal. */
export function close(claims: Claims, wanted: Claim): Claims {
  const held = claims.get(wanted.deploy);
  const claim: Claim = {
    deploy: wanted.deploy,
    tabs: [...new Set([...(held?.tabs ?? []), ...wanted.tabs])],
    level: held?.level === 'all' ? 'all' : wanted.level,
    expires: wanted.expires,
    sealed: wanted.sealed || held?.sealed === true,
  };
  return new Map(claims).set(wanted.deploy, claim);
}

export function open(claims: Claims, deploy: string): Claims {
  const left = new Map(claims);
  left.delete(deploy);
  return left;
}

/** Deploys whose lease has ended at `now`. */
export function expired(claims: Claims, now: number): string[] {
  return [...claims.values()].filter((c) => !c.sealed && c.expires <= now).map((c) => c.deploy);
}

/** When the next lease ends; undefined when none does. */
export function nextExpiry(claims: Claims): number | undefined {
  const times = [...claims.values()].filter((c) => !c.sealed).map((c) => c.expires);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The firmest level any deploy holds each tab at. */
export function levels(claims: Claims): Map<string, Level> {
  const all = new Map<string, Level>();
  for (const { tabs, level } of claims.values()) {
    for (const tab of tabs) if (all.get(tab) !== 'all') all.set(tab, level);
  }
  return all;
}
