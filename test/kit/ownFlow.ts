/** A flow of the gateway's own, beside ECHO's: it counts, and shows a missed message or a restart. */
import { readFileSync } from 'node:fs';
import type { RawNode } from '../../src/flow/types.ts';

/** Every 20 ms one line `<starts of the task> <count>` in the file. */
export function ownFlow(path: string): RawNode[] {
  const place = { z: 'own' };
  return [
    { id: 'own', type: 'tab', label: 'Own', disabled: false, info: '', env: [] },
    {
      ...{ id: 'own-tick', type: 'inject', ...place, name: '', props: [{ p: 'payload' }], repeat: '0.02' },
      ...{ crontab: '', once: true, onceDelay: '0.1', topic: '', payload: '', payloadType: 'date' },
      ...{ x: 100, y: 100, wires: [['own-count']] },
    },
    {
      ...{ id: 'own-count', type: 'function', ...place, name: '', outputs: 1, timeout: 0, noerr: 0 },
      ...{ finalize: '', libs: [], x: 300, y: 100, wires: [['own-file']] },
      initialize: "context.set('starts', (context.get('starts') ?? 0) + 1);",
      func: "const n = (context.get('n') ?? 0) + 1; context.set('n', n); return { payload: context.get('starts') + ' ' + n };",
    },
    {
      ...{ id: 'own-file', type: 'file', ...place, name: '', filename: path, filenameType: 'str' },
      ...{ appendNewline: true, createDir: false, overwriteFile: 'false', encoding: 'utf8' },
      ...{ x: 500, y: 100, wires: [[]] },
    },
  ];
}

/** Puts it on a gateway that has no flows yet. */
export async function startOwnFlow(gatewayUrl: string, path: string): Promise<void> {
  const response = await fetch(`${gatewayUrl}/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ownFlow(path)),
  });
  if (!response.ok) throw new Error(`own flow: ${response.status} ${await response.text()}`);
}

export interface OwnCount {
  readonly count: number;
  /** Every number once, in order, by one start of the task. */
  readonly whole: boolean;
}

export function readOwnFlow(path: string): OwnCount {
  const text = readFileSync(path, 'utf8');
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  return { count: lines.length, whole: lines.every((line, i) => line === `1 ${i + 1}`) };
}

/** Everything that stands on a gateway, as its admin API tells it, revision included. */
export async function flowsOf(gatewayUrl: string): Promise<{ rev: string; flows: RawNode[] }> {
  const response = await fetch(`${gatewayUrl}/flows`, { headers: { 'node-red-api-version': 'v2' } });
  if (!response.ok) throw new Error(`GET /flows: ${response.status}`);
  return (await response.json()) as { rev: string; flows: RawNode[] };
}
