import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../settings.ts';
import { disposables } from './kit/cleanup.ts';

describe('settings', () => {
  const kit = disposables();
  const file = (text: string): { ECHO_SETTINGS: string } => {
    const path = join(kit.folder(), 'echo.settings.json');
    writeFileSync(path, text);
    return { ECHO_SETTINGS: path };
  };

  it('the environment wins over the file, overrides over both; an empty variable is none', () => {
    const named = file('{"port": 1, "logLevel": "warn", "broker": {"port": 2}}');
    const settings = loadSettings({ broker: { port: 4 } }, { ...named, ECHO_PORT: '3', ECHO_LOG_LEVEL: '' });
    assert.deepEqual([settings.port, settings.logLevel, settings.broker.port], [3, 'warn', 4]);
  });

  const refused: [string, NodeJS.ProcessEnv, RegExp][] = [
    [
      'a word for a number',
      { ECHO_PORT: 'abc' },
      /^port \(ECHO_PORT\): must be a whole number from 0 to 65535$/,
    ],
    [
      'out of range',
      { ECHO_STALE_MS: '1' },
      /^gateways\.staleMs \(ECHO_STALE_MS\): must be a whole number from 300/,
    ],
    ['a short key', { ECHO_API_KEY: 'short' }, /^apiKey \(ECHO_API_KEY\): needs 16 characters or more$/],
    [
      'no key on the network',
      { ECHO_HOST: '0.0.0.0' },
      /^apiKey \(ECHO_API_KEY\): listening on 0\.0\.0\.0 needs/,
    ],
    [
      'one port twice',
      { ECHO_BROKER_PORT: '8099' },
      /^broker\.port \(ECHO_BROKER_PORT\): 8099 is the port of the API/,
    ],
    ['a broker without protocol', { ECHO_BROKER_URL: 'localhost' }, /^broker\.url/],
  ];
  for (const [what, env, message] of refused) {
    it(`refuses ${what} by setting and variable`, () => {
      assert.throws(() => loadSettings({}, env), { code: 'ECHO_SETTINGS_INVALID', message });
    });
  }

  it('names a setting in the file that there is none of', () => {
    const message = 'there is no setting prot; there is no setting broker.prot';
    const env = file('{"prot": 1, "broker": {"prot": 2}}');
    assert.throws(
      () => loadSettings({}, env),
      (error: Error) => {
        assert.deepEqual(error.message.split('; ').sort(), message.split('; ').sort());
        return true;
      },
    );
  });

  for (const [text, message] of [
    ['{"port": 9000,}', /echo\.settings\.json: .*line 1 column 15/],
    ['[]', /the file must hold one JSON object/],
  ] as const) {
    it(`refuses the file ${text}`, () => {
      assert.throws(() => loadSettings({}, file(text)), { code: 'ECHO_SETTINGS_UNREADABLE', message });
    });
  }

  it('refuses a named file that is not there', () => {
    const missing = { ECHO_SETTINGS: join(kit.folder(), 'none.json') };
    assert.throws(() => loadSettings({}, missing), {
      code: 'ECHO_SETTINGS_UNREADABLE',
      message: /none\.json/,
    });
  });
});
