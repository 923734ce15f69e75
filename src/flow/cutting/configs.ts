/** Configuration nodes: what must not stand twice, and what stays behind. */
import { describe, push } from '../anatomy.ts';
import type { RawNode, Together } from '../types.ts';
import type { Findings, Ground, Warning } from './ground.ts';

/** Configuration node types that own a device of one machine. */
const DEVICES = new Set(['serial-port']);

export function configsRule({ parts, tasks }: Ground): Findings {
  const together: Together[] = [];
  const warnings: Warning[] = [];
  const usersOf = new Map<string, string[]>();
  for (const task of tasks.values()) for (const id of task.configs) push(usersOf, id, task.id);
  for (const config of parts.configs.values()) {
    const users = usersOf.get(config.id) ?? [];
    const clientId =
      config.type === 'mqtt-broker' && typeof config.clientid === 'string' ? config.clientid : '';
    if (clientId !== '' && !clientId.startsWith('$')) {
      const reason = `They share the MQTT client id "${clientId}" of ${describe(config)}, which may be connected once; clear it to let them apart.`;
      together.push({ tasks: users, rule: 'mqtt-client-id', reason });
    }
    if (DEVICES.has(config.type)) {
      together.push({
        tasks: users,
        rule: 'device',
        reason: `They share the device of ${describe(config)}.`,
      });
    }
    if (users.length === 0) warnings.push(...leftBehind(config));
  }
  return { together, warnings };
}

function leftBehind(config: RawNode): Warning[] {
  const where = config.id;
  if (config.type !== 'global-config') {
    return [
      { code: 'config-unused', where, message: `No node uses ${describe(config)}: it is not deployed.` },
    ];
  }
  if (!Array.isArray(config.env) || config.env.length === 0) return [];
  const message =
    'The global environment belongs to each gateway and is not deployed: set its variables on the tab, or on the gateways.';
  return [{ code: 'global-config', where, message }];
}
