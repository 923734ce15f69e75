/** The status line of a wire node: what stands under it in the editor. */
import type { StreamState } from '../ports.ts';
import type { FindRuntime, RuntimeNode } from './runtime.ts';

export interface NodeStatus {
  readonly fill: 'green' | 'yellow' | 'red' | 'grey';
  readonly shape: 'dot' | 'ring';
  readonly text: string;
}

const EVERY_MS = 1_000;
/** Fewer records that wait are shown only when none passed since the last look. */
const MANY = 1_000;

export function statusOf(now: StreamState | undefined, before: StreamState | undefined): NodeStatus {
  if (now === undefined) return { fill: 'red', shape: 'ring', text: 'no agent' };
  if (before !== undefined && now.lost > before.lost)
    return { fill: 'red', shape: 'ring', text: `${shortCount(now.lost)} lost` };
  if (now.full) return { fill: 'red', shape: 'ring', text: 'log full' };
  if (!now.connected) return { fill: 'red', shape: 'ring', text: 'disconnected' };
  const { unfollowed = 0 } = now;
  if (before !== undefined && unfollowed > (before.unfollowed ?? 0))
    return { fill: 'yellow', shape: 'ring', text: `${shortCount(unfollowed)} unfollowed` };
  const stuck = before !== undefined && before.waiting > 0 && before.passed === now.passed;
  if (now.waiting > MANY || (now.waiting > 0 && stuck))
    return { fill: 'yellow', shape: 'ring', text: `${shortCount(now.waiting)} waiting` };
  return { fill: 'green', shape: 'dot', text: 'connected' };
}

const shortCount = (n: number): string =>
  n < 10_000 ? String(n) : n < 10_000_000 ? `${Math.floor(n / 1_000)}k` : `${Math.floor(n / 1_000_000)}M`;

/** Shows the stream's state under the node. Returns how to stop. */
export function showStatus(node: RuntimeNode, stream: string, find: FindRuntime): () => void {
  let before: StreamState | undefined;
  return keepShown(node, () => {
    const now = find()?.streams.state(stream);
    const status = statusOf(now, before);
    before = now;
    return status;
  });
}

/** Shows a status under the node, when it changes. Returns how to stop. */
export function keepShown(node: RuntimeNode, look: () => NodeStatus): () => void {
  let shown = '';
  const show = (): void => {
    const status = look();
    const key = `${status.fill} ${status.text}`;
    if (key === shown) return;
    shown = key;
    node.status(status);
  };
  show();
  const timer = setInterval(show, EVERY_MS);
  return () => clearInterval(timer);
}
