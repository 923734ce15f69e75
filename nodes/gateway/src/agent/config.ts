/** Reads how this Node-RED takes part in a fleet: `settings.echo`, and `ECHO_*` variables where that says nothing. */
import { z } from 'zod';
import { adminAccess, gatewayId, tier } from '../../../../src/wire/control.ts';
import type { EchoError } from '../../../../src/wire/errors.ts';
import { agentError } from '../errors.ts';
import type { RedSettings } from '../red.ts';

/** One URL or several, as a list or separated by commas. */
const brokerUrls = z
  .union([z.string().transform((text) => text.split(',').map((url) => url.trim())), z.array(z.string())])
  .pipe(z.array(z.url({ protocol: /^(mqtts?|wss?)$/ })).min(1));

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const schema = z
  .strictObject({
    designOnly: z.literal(false).optional(),
    orchestrator: httpUrl,
    token: z.string().min(1).max(256).optional(),
    tier: tier.default('edge'),
    name: gatewayId.optional(),
    site: z.string().min(1).max(64).optional(),
    capabilities: z.array(z.string().min(1).max(64)).max(256).default([]),
    maxTasks: z.coerce.number().int().positive().optional(),
    adminUrl: httpUrl.optional(),
    admin: adminAccess.strict().optional(),
    /** Where this gateway reaches the shared broker, when that is not the address the orchestrator gives out. */
    broker: brokerUrls.optional(),
    /** How long a node may keep a message without a sign of completing it, ms. */
    followLimitMs: z.coerce.number().int().min(500).max(86_400_000).default(30_000),
    location: z.object({ lat: z.number(), long: z.number() }).optional(),
    /** Offers a broker to the gateways of its site; `url` is where they reach it, when that is not found out right. */
    siteBroker: z
      .strictObject({
        port: z.coerce.number().int().min(1).max(65535),
        host: z.string().min(1).optional(),
        url: z.url({ protocol: /^mqtts?$/ }).optional(),
      })
      .optional(),
  })
  .refine(({ siteBroker, site }) => siteBroker === undefined || site !== undefined, {
    path: ['siteBroker'],
    message: 'needs echo.site: it serves the gateways of that site',
  });
export type AgentConfig = z.infer<typeof schema>;

export type Configured =
  /** This is the orchestrator's own editor. */
  | { readonly kind: 'design' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'refused'; readonly error: EchoError }
  | { readonly kind: 'ready'; readonly config: AgentConfig };

export function readConfig(settings: RedSettings, env: NodeJS.ProcessEnv): Configured {
  const given = (settings.echo ?? {}) as Record<string, unknown>;
  if (given.designOnly === true) return { kind: 'design' };
  const wanted = { ...fromEnvironment(env), ...given };
  if (wanted.orchestrator === undefined) return { kind: 'absent' };
  const parsed = schema.safeParse(wanted);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((i) => `echo.${i.path.join('.')}: ${i.message}`);
    return {
      kind: 'refused',
      error: agentError('ECHO_GATEWAY_SETTINGS_INVALID', { message: issues.join('; ') }),
    };
  }
  const error = unsupported(settings, parsed.data);
  return error ? { kind: 'refused', error } : { kind: 'ready', config: parsed.data };
}

/** What of this Node-RED's own settings keeps it out of a fleet. */
function unsupported(settings: RedSettings, config: AgentConfig): EchoError | undefined {
  if (settings.editorTheme?.projects?.enabled) return agentError('ECHO_GATEWAY_PROJECTS_MODE');
  if (settings.readOnly) return agentError('ECHO_GATEWAY_READ_ONLY');
  if (settings.httpAdminRoot === false) return agentError('ECHO_GATEWAY_NO_ADMIN_API');
  const guarded = settings.adminAuth !== undefined && !allowsAnyone(settings.adminAuth);
  const access = config.admin?.token ?? config.admin?.username;
  if (guarded && access === undefined) return agentError('ECHO_GATEWAY_NO_ADMIN_ACCESS');
  return undefined;
}

function allowsAnyone(adminAuth: unknown): boolean {
  const auth = adminAuth as { default?: { permissions?: unknown } } | null;
  return auth?.default?.permissions === '*';
}

function fromEnvironment(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const admin = defined({
    username: env.ECHO_ADMIN_USER,
    password: env.ECHO_ADMIN_PASSWORD,
    token: env.ECHO_ADMIN_TOKEN,
  });
  const siteBroker = defined({
    port: env.ECHO_SITE_BROKER_PORT,
    host: env.ECHO_SITE_BROKER_HOST,
    url: env.ECHO_SITE_BROKER_URL,
  });
  return defined({
    orchestrator: env.ECHO_ORCHESTRATOR,
    token: env.ECHO_TOKEN,
    tier: env.ECHO_TIER,
    name: env.ECHO_NAME,
    site: env.ECHO_SITE,
    capabilities: env.ECHO_CAPABILITIES?.split(',')
      .map((capability) => capability.trim())
      .filter((capability) => capability !== ''),
    maxTasks: env.ECHO_MAX_TASKS,
    adminUrl: env.ECHO_ADMIN_URL,
    broker: env.ECHO_BROKER_URL,
    admin: Object.keys(admin).length > 0 ? admin : undefined,
    siteBroker: Object.keys(siteBroker).length > 0 ? siteBroker : undefined,
  });
}

function defined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined && v !== ''));
}
