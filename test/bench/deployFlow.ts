/** A fleet and a flow of any size for the deploy benchmark: sensors on the edge, groups on the fog, one cloud. */
import type { RawNode } from '../../src/flow/types.ts';
import type { Tier } from '../../src/wire/control.ts';

export interface BenchGateway {
  readonly name: string;
  readonly tier: Tier;
}

/** One cloud, and a fog for up to nine edges each. */
export function fleetOf(size: number): BenchGateway[] {
  return Array.from({ length: size }, (_, i) => {
    const tier = i === 0 ? 'cloud' : i % 10 === 1 ? 'fog' : 'edge';
    return { name: `${tier}-${i}`, tier };
  });
}

/**
 * Three tasks on every edge (inject → change → function), two on every fog, two on the cloud; every edge sends to
 * its fog, every fog to the cloud, so each gateway but the cloud has one outgoing cut wire.
 */
export function flowFor(fleet: readonly BenchGateway[]): RawNode[] {
  const flow: RawNode[] = [
    { id: 'bench-tab', type: 'tab', label: 'Deploy benchmark', disabled: false, info: '' },
  ];
  let y = 0;
  const chain = (gateway: string, types: readonly string[], then: string | undefined): string => {
    y += 40;
    types.forEach((type, i) => {
      const next = i + 1 < types.length ? `${gateway}-${i + 1}` : then;
      flow.push({
        id: `${gateway}-${i}`,
        type,
        z: 'bench-tab',
        name: `${type} ${gateway}`,
        ...configuration(type),
        echo: { gateway },
        x: 120 + 160 * i,
        y,
        wires: type === 'debug' ? [] : [next === undefined ? [] : [next]],
      });
    });
    return `${gateway}-0`;
  };
  let cloud: string | undefined;
  let fog: string | undefined;
  for (const { name, tier } of fleet) {
    if (tier === 'cloud') cloud = chain(name, ['function', 'debug'], undefined);
    else if (tier === 'fog') fog = chain(name, ['change', 'function'], cloud);
    else chain(name, ['inject', 'change', 'function'], fog);
  }
  return flow;
}

function configuration(type: string): Record<string, unknown> {
  switch (type) {
    case 'inject':
      return { props: [{ p: 'payload' }], repeat: '1', once: false, payload: '', payloadType: 'date' };
    case 'change':
      return { rules: [{ t: 'set', p: 'seen', pt: 'msg', to: 'true', tot: 'bool' }] };
    case 'function':
      return { func: 'return msg;', outputs: 1, initialize: '', finalize: '', libs: [] };
    default:
      return { active: false, tosidebar: false, complete: 'payload', targetType: 'msg' };
  }
}
