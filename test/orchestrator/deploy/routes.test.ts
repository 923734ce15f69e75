import assert from 'node:assert/strict';
import { parseFlow } from '../../../src/flow/parse.ts';
import { split } from '../../../src/flow/split.ts';
import { routesOf, routeWarnings } from '../../../src/orchestrator/deploy/routes.ts';
import type { BrokerView } from '../../../src/orchestrator/types.ts';

const site = (name: string, gateways: BrokerView['gateways']): BrokerView => ({
  ...{ name: `site/${name}`, role: 'site', site: name, urls: [`mqtt://${name}:1883`], from: 'settings' },
  gateways,
});
const reached = (gateway: string) => ({ gateway, declared: true, probed: true });

describe('routes', () => {
  const hall = site('hall', [
    reached('edge-1'),
    reached('fog-1'),
    { gateway: 'new', declared: true },
    { gateway: 'cut-off', declared: true, probed: false },
    { gateway: 'excluded', declared: false },
  ]);
  const routes = routesOf([hall, site('yard', [reached('edge-2')])]);

  it('keep what two gateways of a site exchange at the site', () => {
    assert.deepEqual(routes('edge-1', 'fog-1'), { via: 'site', broker: 'site/hall' });
  });

  it('take a gateway at its word until it was heard of', () => {
    assert.equal(routes('edge-1', 'new').via, 'site');
  });

  it('lead over the shared broker between sites, and for gateways of no site', () => {
    for (const to of ['edge-2', 'cloud-1'])
      assert.deepEqual(routes('edge-1', to), { via: 'shared', broker: 'shared' });
  });

  it('leave out a gateway that is declared not to reach the broker of its site', () => {
    assert.deepEqual(routes('edge-1', 'excluded'), { via: 'shared', broker: 'shared' });
  });

  it('avoid a broker that one end was found not to reach, and say so', () => {
    const { via, warning } = routes('cut-off', 'fog-1');
    assert.equal(via, 'shared');
    assert.match(warning ?? '', /'cut-off' does not reach its broker \(mqtt:\/\/hall:1883\)/);
  });

  it('are told in the fragments, consumer by consumer, and only where they are not shared', () => {
    const flow = [
      { id: 'tab', type: 'tab', label: 'T' },
      { id: 'a', type: 'inject', z: 'tab', x: 1, y: 1, wires: [['b', 'c', 'd']] },
      ...['b', 'c', 'd'].map((id) => ({ id, type: 'debug', z: 'tab', x: 1, y: 1, wires: [] })),
    ];
    const placement = new Map([
      ['a', 'edge-1'],
      ['b', 'fog-1'],
      ['c', 'cloud-1'],
      ['d', 'cut-off'],
    ]);
    const via = (from: string, to: string) => routes(from, to).via;
    const { fragments, streams } = split(parseFlow(flow), placement, { application: 'app', via });
    const wires = fragments.flatMap(({ gateway, nodes }) =>
      nodes.flatMap(({ type, via: said, consumers }) =>
        type.startsWith('echo ') ? [{ gateway, via: said, consumers }] : [],
      ),
    );
    assert.deepEqual(
      wires.map(({ gateway, via: said }) => [gateway, said]),
      [
        ['cloud-1', undefined],
        ['cut-off', undefined],
        ['edge-1', undefined],
        ['fog-1', 'site'],
      ],
    );
    assert.deepEqual(wires[2]?.consumers, [
      { gateway: 'cloud-1', tasks: ['c'] },
      { gateway: 'cut-off', tasks: ['d'] },
      { gateway: 'fog-1', tasks: ['b'], via: 'site' },
    ]);
    assert.deepEqual(
      routeWarnings(streams, routes).map(({ code, where }) => [code, where]),
      [['ECHO_SITE_BROKER_NOT_REACHED', 'app/a:0']],
    );
  });
});
