import assert from 'node:assert/strict';
import { renderGateway, renderGateways } from '../../../src/orchestrator/cli/render/gateways.ts';
import type { GatewayDetail } from '../../../src/orchestrator/types.ts';

const gateway = {
  ...{ id: 'shop-1', tier: 'edge', health: 'degraded', lastSeen: new Date().toISOString(), nodeTypes: [] },
  ...{
    adminUrl: 'http://shop',
    nodeRedVersion: '5.0.7',
    nodeVersion: '24',
    arch: 'x64',
    cpuCores: 2,
    memTotalMB: 1,
  },
  ...{ capabilities: [], applications: [], tasks: 0, troubles: ['shop-1: its user was not let in'] },
} as GatewayDetail;

describe('a gateway on the command line', () => {
  it('says why it is degraded, in the list and by itself', () => {
    for (const lines of [
      renderGateways([gateway], (_, text) => text),
      renderGateway(gateway, (_, text) => text),
    ]) {
      assert.ok(lines.includes('! shop-1: its user was not let in'), lines.join('\n'));
    }
  });
});
