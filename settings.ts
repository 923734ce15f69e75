/**
 * The one reader of environment variables and the override file. Everything else gets the frozen `Settings`.
 *
 * Order, later wins: defaults < `echo.settings.json` (or the file named by `ECHO_SETTINGS`) < environment < overrides.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defineErrors } from './src/wire/errors.ts';

export const settingsError = defineErrors({
  ECHO_SETTINGS_UNREADABLE: {
    status: 500,
    title: 'The settings file cannot be read.',
    remedy: 'Check that the file exists, is readable and is valid JSON; the message names line and column.',
  },
  ECHO_SETTINGS_INVALID: {
    status: 500,
    title: 'A setting has a value that cannot be used.',
    remedy: 'Correct the setting named in the message; docs/settings.md lists every setting with its range.',
  },
  ECHO_FOLDER_UNUSABLE: {
    status: 500,
    title: 'A folder named in the settings cannot be made or written.',
    remedy:
      'Let the user that runs ECHO write there, or name another folder with the setting in the message.',
  },
});

/** One URL or several, as a list or separated by commas: nodes of one cluster, tried in turn. */
const brokerUrls = z
  .union([z.string(), z.array(z.string())])
  .transform((given) =>
    (typeof given === 'string' ? given.split(',') : given)
      .map((url) => url.trim())
      .filter((url) => url !== ''),
  )
  .pipe(z.array(z.url({ protocol: /^(mqtts?|wss?)$/ })).min(1));

const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const port = whole(0, 65535);
const loopback = new Set(['127.0.0.1', 'localhost', '::1']);

const schema = z
  .strictObject({
    /** Where the orchestrator keeps its store, secrets and the local fleet's user folders. */
    dataDir: z.string().min(1).default('.echo').describe('ECHO_DATA_DIR'),
    /** Where pinned Node-RED versions are installed, outside any repository. */
    cacheDir: z
      .string()
      .min(1)
      .default(join(homedir(), '.cache', 'echo-dataflow'))
      .describe('ECHO_CACHE_DIR'),
    /** Address the HTTP server and the embedded broker listen on; anything but loopback needs `apiKey`. */
    host: z.string().min(1).default('127.0.0.1').describe('ECHO_HOST'),
    port: port.default(8099).describe('ECHO_PORT'),
    /** The URL gateways and people reach the orchestrator at; derived from host and port when absent. */
    publicUrl: z.url().optional().describe('ECHO_PUBLIC_URL'),
    apiKey: z.string().min(16, { error: 'needs 16 characters or more' }).optional().describe('ECHO_API_KEY'),
    logLevel: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('ECHO_LOG_LEVEL'),
    broker: z
      .strictObject({
        /** Port of the embedded broker (Aedes). */
        port: port.default(1899).describe('ECHO_BROKER_PORT'),
        /** URL of an external broker (mqtt://, mqtts://, ws://), or of the nodes of a cluster; replaces the embedded one. */
        url: brokerUrls.optional().describe('ECHO_BROKER_URL'),
        username: z.string().optional().describe('ECHO_BROKER_USERNAME'),
        password: z.string().optional().describe('ECHO_BROKER_PASSWORD'),
      })
      .prefault({}),
    gateways: z
      .strictObject({
        heartbeatMs: whole(100, 600_000).default(2_000).describe('ECHO_HEARTBEAT_MS'),
        /** No heartbeat for this long: stale; three times as long: down. */
        staleMs: whole(300, 3_600_000).default(7_000).describe('ECHO_STALE_MS'),
        requestTimeoutMs: whole(100, 120_000).default(10_000).describe('ECHO_REQUEST_TIMEOUT_MS'),
      })
      .prefault({}),
    deploy: z
      .strictObject({
        drainMs: whole(0, 600_000).default(15_000).describe('ECHO_DRAIN_MS'),
        /** How many gateways are worked on at once. */
        concurrency: whole(1, 512).default(32).describe('ECHO_DEPLOY_CONCURRENCY'),
      })
      .prefault({}),
    /** Brokers that stand at a site: its gateways exchange there, also while the wide-area link is down. */
    sites: z
      .record(
        z.string().min(1).max(64),
        z.strictObject({
          broker: z.strictObject({
            url: brokerUrls,
            username: z.string().optional(),
            password: z.string().optional(),
          }),
          /** Gateways of the site that reach it; all of them when absent. */
          gateways: z.array(z.string().min(1)).optional(),
        }),
      )
      .default({}),
    /** The local fleet of `npm start`: first port of its three gateways; clear of 1880 (Node-RED) and 1883 (MQTT). */
    fleet: z.strictObject({ basePort: port.default(1884).describe('ECHO_FLEET_BASE_PORT') }).prefault({}),
  })
  .superRefine((s, context) => {
    if (!loopback.has(s.host) && s.apiKey === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['apiKey'],
        message: `listening on ${s.host} needs an API key of 16 characters or more`,
      });
    }
    if (s.port !== 0 && s.port === s.broker.port && s.broker.url === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['broker', 'port'],
        message: `${s.port} is the port of the API`,
      });
    }
  });

type Deep<T> = T extends object ? { readonly [K in keyof T]: Deep<T[K]> } : T;
export type Settings = Deep<z.infer<typeof schema>>;

type Input = { [key: string]: unknown };

/** Reads every `ECHO_*` name that the schema describes; others are ignored. */
function fromEnvironment(object: z.ZodType, env: NodeJS.ProcessEnv): Input {
  const out: Input = {};
  const shape = (unwrap(object) as z.ZodObject).shape as Record<string, z.ZodType>;
  for (const [key, field] of Object.entries(shape)) {
    if (unwrap(field) instanceof z.ZodObject) {
      const inner = fromEnvironment(field, env);
      if (Object.keys(inner).length > 0) out[key] = inner;
    } else {
      const value = field.description === undefined ? undefined : env[field.description];
      if (value !== undefined && value !== '') out[key] = value;
    }
  }
  return out;
}

/** The variable that the schema describes for a setting. */
function variableOf(path: readonly PropertyKey[]): string | undefined {
  let at: z.ZodType | undefined = schema;
  for (const key of path) {
    const object: z.ZodType = unwrap(at);
    at = object instanceof z.ZodObject ? (object.shape as Record<PropertyKey, z.ZodType>)[key] : undefined;
    if (at === undefined) return undefined;
  }
  return at.description;
}

function explain({ path, message, ...issue }: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `there is no setting ${[...path, key].join('.')}`).join('; ');
  }
  const variable = variableOf(path);
  return `${path.join('.')}${variable === undefined ? '' : ` (${variable})`}: ${message}`;
}

function unwrap(type: z.ZodType): z.ZodType {
  let t: z.ZodType = type;
  while (t instanceof z.ZodPrefault || t instanceof z.ZodDefault || t instanceof z.ZodOptional) {
    t = t.unwrap() as z.ZodType;
  }
  return t;
}

function merge(a: Input, b: Input): Input {
  const out = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const old = out[key];
    out[key] = isObject(old) && isObject(value) ? merge(old, value) : value;
  }
  return out;
}

const isObject = (v: unknown): v is Input => typeof v === 'object' && v !== null && !Array.isArray(v);

function fromFile(path: string, required: boolean): Input {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw settingsError('ECHO_SETTINGS_UNREADABLE', { message: (error as Error).message, where: path });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) throw new Error('the file must hold one JSON object');
    return value;
  } catch (error) {
    throw settingsError('ECHO_SETTINGS_UNREADABLE', {
      message: `${path}: ${(error as Error).message}`,
      where: path,
    });
  }
}

function freeze<T>(value: T): Deep<T> {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value) as Deep<T>;
}

/**
 * Settings from the override file, the environment and `overrides`, validated and frozen.
 * Throws ECHO_SETTINGS_UNREADABLE or ECHO_SETTINGS_INVALID (`where` names the setting and its variable).
 */
export function loadSettings(overrides: Input = {}, env: NodeJS.ProcessEnv = process.env): Settings {
  const named = env.ECHO_SETTINGS;
  const file = fromFile(resolve(named ?? 'echo.settings.json'), named !== undefined);
  const result = schema.safeParse(merge(merge(file, fromEnvironment(schema, env)), overrides));
  if (!result.success) {
    throw settingsError('ECHO_SETTINGS_INVALID', {
      message: result.error.issues.map(explain).join('; '),
      where: result.error.issues[0]?.path.join('.') ?? '(root)',
    });
  }
  return freeze(result.data);
}
