/** What a Node-RED is called on wires by hand, where its user does not say. */
import { createHash } from 'node:crypto';

const MOST_HOST = 40;

/** The host's name and something of the disk's, so that two Node-REDs on one machine differ. Stays the same. */
export function defaultName(host: string, disk: string): string {
  const plain = host
    .toLowerCase()
    .split('.')[0]!
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MOST_HOST)
    .replaceAll(/^-+|-+$/g, '');
  const mark = createHash('sha256').update(disk).digest('hex').slice(0, 4);
  return `${plain === '' ? 'node-red' : plain}-${mark}`;
}
