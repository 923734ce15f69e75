import assert from 'node:assert/strict';
import { readConfig } from '../../../nodes/gateway/src/agent/config.ts';
import { bytes } from '../../../nodes/gateway/src/agent/facts.ts';

const echo = { orchestrator: 'http://orchestrator:8099/', token: 't', tier: 'fog' };

function refusal(settings: object, env = {}): string | undefined {
  const configured = readConfig(settings, env);
  if (configured.kind !== 'refused') return configured.kind;
  assert.ok(configured.error.remedy.length > 0);
  return configured.error.code;
}

describe('agent: settings', () => {
  it('does nothing in the design editor, and nothing without an orchestrator', () => {
    assert.equal(refusal({ echo: { designOnly: true, ...echo } }), 'design');
    assert.equal(refusal({}, { ECHO_TIER: 'edge' }), 'absent');
  });

  it('reads settings.echo, and the environment for what that leaves out', () => {
    const env = {
      ECHO_ORCHESTRATOR: 'http://other:1',
      ECHO_TIER: 'cloud',
      ECHO_CAPABILITIES: 'camera, gpu,',
      ECHO_MAX_TASKS: '12',
      ECHO_ADMIN_USER: 'u',
      ECHO_ADMIN_PASSWORD: 'p',
      ECHO_SITE: '',
    };
    const configured = readConfig({ echo }, env);
    assert.ok(configured.kind === 'ready');
    assert.deepEqual(configured.config, {
      orchestrator: 'http://orchestrator:8099',
      token: 't',
      tier: 'fog',
      capabilities: ['camera', 'gpu'],
      maxTasks: 12,
      admin: { username: 'u', password: 'p' },
      followLimitMs: 30_000,
    });
  });

  it('names the setting that cannot be used', () => {
    const configured = readConfig({ echo: { ...echo, tier: 'moon', colour: 'blue' } }, {});
    assert.ok(configured.kind === 'refused');
    assert.equal(configured.error.code, 'ECHO_GATEWAY_SETTINGS_INVALID');
    assert.match(configured.error.message, /echo\.tier.*colour/s);
  });

  it('refuses what a gateway cannot be, each with its own code', () => {
    assert.equal(
      refusal({ echo, editorTheme: { projects: { enabled: true } } }),
      'ECHO_GATEWAY_PROJECTS_MODE',
    );
    assert.equal(refusal({ echo, readOnly: true }), 'ECHO_GATEWAY_READ_ONLY');
    assert.equal(refusal({ echo, httpAdminRoot: false }), 'ECHO_GATEWAY_NO_ADMIN_API');
    const adminAuth = { type: 'credentials', users: [] };
    assert.equal(refusal({ echo, adminAuth }), 'ECHO_GATEWAY_NO_ADMIN_ACCESS');
    assert.equal(refusal({ echo, adminAuth: { ...adminAuth, default: { permissions: '*' } } }), 'ready');
    assert.equal(refusal({ echo: { ...echo, admin: { token: 'x' } }, adminAuth }), 'ready');
  });

  it('reads body limits as Node-RED does', () => {
    assert.equal(bytes('5mb'), 5 * 1024 * 1024);
    assert.equal(bytes('1.5KB'), 1536);
    assert.equal(bytes(1000), 1000);
    assert.equal(bytes('1000'), 1000);
  });
});
