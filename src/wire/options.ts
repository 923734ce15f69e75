/**
 * What a user may say of a wire besides its delivery level: on a node, group or tab, or on an `echo channel` node that
 * stands on the wire. What is not said is the default, and is left out of fragments.
 */
import { WINDOW_RECORDS } from './stream.ts';

/**
 * What a message that was taken in survives at its producer. `memory`: redeploys and planned restarts; nothing is
 * written while the process lives. `flush`: also the death of the process. `fsync`: also a power cut.
 */
export type Durability = 'memory' | 'flush' | 'fsync';

/** `push`: the consumer takes a window in advance. `pull`: one message at a time, as its tasks finish. */
export type Credit = 'push' | 'pull';

/**
 * What becomes of messages a full log has no room for. `block`: what feeds the tab is held back, and the rest refused
 * with an error. The others lose some, declared and without an error: the oldest held, the newest, or (`sample`) more
 * and more of the newest the fuller the log is.
 */
export type WhenFull = 'block' | 'drop-oldest' | 'drop-newest' | 'sample';

/** `now`: it gets what is appended from then on. `earliest`: also what the log still holds for others. */
export type Start = 'now' | 'earliest';

export interface WireOptions {
  readonly durability: Durability;
  /** Records the consumer takes in advance. */
  readonly window: number;
  readonly credit: Credit;
  readonly whenFull: WhenFull;
  /** Most the log holds, in units of 1,048,576 bytes. */
  readonly quotaMB: number;
  /** Where several streams have something to send, the highest goes first. */
  readonly priority: number;
  /** Deliveries after which a message whose task fails is set aside; 0: a failure counts as processed. */
  readonly attempts: number;
  /** Where a consumer begins that is new to the stream and replaces none. */
  readonly start: Start;
}

/** Some of the options: only what was said. */
export type WireChoice = Partial<WireOptions>;
export type WireOption = keyof WireOptions;

/** The options of the node at the producer's end and at the consumer's end. */
export type OutChoice = Pick<WireChoice, 'durability' | 'whenFull' | 'quotaMB' | 'priority' | 'start'>;
export type InChoice = Pick<WireChoice, 'window' | 'credit' | 'attempts' | 'durability'>;

/** Quota of a log kept in memory, where none is said. */
const MEMORY_QUOTA_MB = 16;

const DEFAULTS: WireOptions = {
  durability: 'flush',
  window: WINDOW_RECORDS,
  credit: 'push',
  whenFull: 'block',
  quotaMB: 256,
  priority: 0,
  attempts: 0,
  start: 'now',
};

export const defaultOf = <K extends WireOption>(
  option: K,
  { durability }: WireChoice = {},
): WireOptions[K] =>
  option === 'quotaMB' && durability === 'memory' ? (MEMORY_QUOTA_MB as WireOptions[K]) : DEFAULTS[option];

/** What an option may be: one of a list, or a whole number between two. */
export type Domain =
  | { readonly values: readonly string[] }
  | { readonly least: number; readonly most: number };

export const DOMAINS: { readonly [K in WireOption]: Domain } = {
  durability: { values: ['memory', 'flush', 'fsync'] },
  window: { least: 1, most: WINDOW_RECORDS },
  credit: { values: ['push', 'pull'] },
  whenFull: { values: ['block', 'drop-oldest', 'drop-newest', 'sample'] },
  quotaMB: { least: 1, most: 1_048_576 },
  priority: { least: -100, most: 100 },
  attempts: { least: 0, most: 1_000 },
  start: { values: ['now', 'earliest'] },
};
export const WIRE_OPTIONS = Object.keys(DOMAINS) as readonly WireOption[];

/** Environment variables of groups and tabs that say an option. */
export const WIRE_ENV_NAMES: Readonly<Record<string, WireOption>> = {
  ECHO_DURABILITY: 'durability',
  ECHO_WINDOW: 'window',
  ECHO_CREDIT: 'credit',
  ECHO_WHEN_FULL: 'whenFull',
  ECHO_QUOTA_MB: 'quotaMB',
  ECHO_PRIORITY: 'priority',
  ECHO_ATTEMPTS: 'attempts',
  ECHO_START: 'start',
};

/**
 * The value of an option; `undefined` when `given` is none of its values. Numbers may be text, as in an environment
 * variable.
 */
export function readOption<K extends WireOption>(option: K, given: unknown): WireOptions[K] | undefined {
  const domain: Domain = DOMAINS[option];
  if ('values' in domain)
    return domain.values.includes(given as string) ? (given as WireOptions[K]) : undefined;
  const number = typeof given === 'string' && /^-?\d{1,9}$/.test(given.trim()) ? Number(given) : given;
  const fits = Number.isSafeInteger(number) && inside(number as number, domain);
  return fits ? (number as WireOptions[K]) : undefined;
}

const inside = (n: number, { least, most }: { least: number; most: number }): boolean =>
  n >= least && n <= most;

/** In words, for a message to the user. */
export function domainText(option: WireOption): string {
  const domain = DOMAINS[option];
  if ('values' in domain) return `one of ${domain.values.join(', ')}`;
  return `a whole number from ${domain.least} to ${domain.most}`;
}

/** An option as it holds for a wire; `said`: by the user, else it is the default. */
export interface Told {
  readonly option: WireOption;
  readonly value: string | number;
  readonly said: boolean;
}

/** Told of every wire; the others only where something was said. */
const ALWAYS: readonly WireOption[] = ['durability', 'credit', 'whenFull', 'priority'];

/** The options of a wire for a user to read. */
export const toldOf = (choice: WireChoice = {}): Told[] =>
  WIRE_OPTIONS.filter((option) => ALWAYS.includes(option) || choice[option] !== undefined).map((option) => ({
    option,
    value: choice[option] ?? defaultOf(option, choice),
    said: choice[option] !== undefined,
  }));

/** Without what is the default anyway, so that saying it changes nothing. */
export function distinct(choice: WireChoice): WireChoice {
  const kept = WIRE_OPTIONS.filter(
    (option) => choice[option] !== undefined && choice[option] !== defaultOf(option, choice),
  );
  return Object.fromEntries(kept.map((option) => [option, choice[option]]));
}

export function outChoice({ durability, whenFull, quotaMB, priority, start }: WireChoice): OutChoice {
  return defined({ durability, whenFull, quotaMB, priority, start });
}

export function inChoice({ window, credit, attempts, durability }: WireChoice): InChoice {
  // What the producer trims on its consumer's word must survive there what it survives here.
  const synced = durability === 'fsync' ? durability : undefined;
  return defined({ window, credit, attempts, durability: synced });
}

/** Records a consumer takes in advance under these options. */
export const windowOf = ({ window, credit }: InChoice): number =>
  credit === 'pull' ? 1 : (window ?? defaultOf('window'));

export const quotaBytesOf = (choice: OutChoice): number =>
  (choice.quotaMB ?? defaultOf('quotaMB', choice)) * 1024 * 1024;

const defined = <T extends object>(choice: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined)) as T;
