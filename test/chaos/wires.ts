/** The cut wires of the chaos run: each carries every row over the same gateways and links, and promises its own. */
import type { DeliveryLevel } from '../../src/wire/nodes.ts';
import type { Durability } from '../../src/wire/options.ts';

export interface ChaosWire {
  readonly name: string;
  readonly level: DeliveryLevel;
  readonly durability: Durability;
}

export const WIRES: readonly ChaosWire[] = [
  { name: 'default', level: 'at-least-once', durability: 'flush' },
  { name: 'memory', level: 'at-least-once', durability: 'memory' },
  { name: 'exact', level: 'effectively-once', durability: 'flush' },
];
