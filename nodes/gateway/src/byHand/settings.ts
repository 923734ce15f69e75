/** What the nodes of wires by hand say, read as their dialogs save it. Each throws ECHO_HAND_SETTINGS. */
import { z } from 'zod';
import { HAND_LEVELS, handStreamName } from '../../../../src/wire/byHand.ts';
import { gatewayId } from '../../../../src/wire/control.ts';
import { domainText, readOption, WIRE_OPTIONS, type WireChoice } from '../../../../src/wire/options.ts';
import { handError } from './errors.ts';
import type { HandAccess } from './HandBroker.ts';
import type { HandInWire } from './HandIn.ts';
import type { HandOutWire } from './HandOut.ts';

/** Names or URLs in one field, separated by commas. */
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
const mqttUrl = z.url({ protocol: /^(mqtts?|wss?)$/, error: 'no MQTT URL such as mqtt://192.168.1.2:1883' });
const nameOrNone = z
  .string()
  .trim()
  .default('')
  .pipe(z.union([z.literal(''), gatewayId]));

const broker = z.object({
  url: list.pipe(z.array(mqttUrl).min(1, 'no broker is named')),
  gateway: nameOrNone,
});
const stream = z.string().default('').pipe(handStreamName);
const out = z.object({
  stream,
  level: z
    .enum(['', ...HAND_LEVELS])
    .default('')
    .transform((level) => level || 'at-least-once'),
  receivers: list.pipe(z.array(gatewayId)),
});
const into = z.object({ stream, producer: nameOrNone });

export function readBroker(
  config: object,
  credentials: { user?: string; password?: string } = {},
): HandAccess {
  const { url, gateway } = read('echo broker', broker, config);
  const { user, password } = credentials;
  const login = { ...(user ? { username: user } : {}), ...(password ? { password } : {}) };
  return { gateway, brokers: url.map((one) => ({ url: one, ...login })) };
}

export function readOut(config: { z: string }): HandOutWire {
  return { ...read('echo out', out, config), choice: readChoice(config), tab: config.z };
}

export function readIn(config: { z: string }): Omit<HandInWire, 'deliver'> {
  return { ...read('echo in', into, config), tab: config.z };
}

/** Options that a dialog leaves empty are not said. */
function readChoice(config: object): WireChoice {
  const choice: Record<string, unknown> = {};
  for (const option of WIRE_OPTIONS) {
    const given = (config as Record<string, unknown>)[option];
    if (given === undefined || given === '') continue;
    choice[option] = readOption(option, given);
    if (choice[option] === undefined) throw unusable('echo out', `${option} is ${domainText(option)}`);
  }
  return choice;
}

function read<T>(type: string, schema: z.ZodType<T>, config: object): T {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`);
  throw unusable(type, issues.join('; '));
}

const unusable = (type: string, what: string): Error =>
  handError('ECHO_HAND_SETTINGS', { message: `${type}: ${what}` });
