import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exampleFlow } from '../api/memoryService.ts';
import { type ServedApi, serveApi } from '../api/serveApi.ts';
import { echoctl } from './echoctl.ts';

describe('echoctl', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), 'echoctl-'));
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const flow = file('flow.json', JSON.stringify(exampleFlow));
  let api: ServedApi;
  const run = (...args: string[]) => echoctl(args, { env: { ECHO_URL: api.url } });
  const json = async (...args: string[]) =>
    JSON.parse((await run(...args, '--json')).out) as Record<string, unknown>;

  before(async () => {
    api = await serveApi();
  });
  after(async () => {
    await api.close();
    rmSync(folder, { recursive: true });
  });

  it('shows a plan gateway by gateway, with the cut wires and why they are cut', async () => {
    const { code, out } = await run('plan', flow, '--app', 'city');
    assert.equal(code, 0);
    assert.match(out, /^City sensors \(city\) {2}version 1$/m);
    assert.match(out, /^4 tasks · 3 gateways · 2 cut wires$/m);
    assert.match(out, /^ {2}edge-1 {2}2 tasks · 2 restarts$/m);
    assert.match(out, /^ {4}\+ function {2}parse$/m);
    assert.match(out, /parse on edge-1 ──▶ average on fog-1/);
    assert.match(out, /parse is bound to edge-1, average to fog-1/);
    assert.match(out, /^ {6}at-least-once, durability flush, credit push, whenFull block, priority 0$/m);
    assert.match(out, /^Ready: 4 to add; 4 nodes restart\.$/m);
  });

  it('shows records that a deploy would strand, and what becomes of them', async () => {
    const { out } = await run('plan', flow, '--drain');
    assert.match(
      out,
      /^ {2}city\/parse:0 for fog-1: 12 records, 3 KB, the oldest 61 s old; processed first$/m,
    );
    assert.deepEqual(api.service.asked.at(-1)?.options, { drain: true });
  });

  it('writes no colour into a pipe', async () => {
    const { out, err } = await run('plan', flow);
    assert.ok(!(out + err).includes('\x1b'));
  });

  it('deploys, with progress on stderr and the result on stdout', async () => {
    const { code, out, err } = await run('deploy', flow, '--app', 'city');
    assert.equal(code, 0);
    assert.match(out, /^✓ City sensors version 1 runs on 3 gateways, in 0\.4 s\.\n$/);
    assert.match(err, /^ {2}fog-1: Deploying on fog-1$/m);
    assert.equal(api.service.asked.at(-1)?.origin, 'cli');
    assert.match((await run('deploy', flow, '--app', 'city')).out, /runs already; nothing was touched/);
  });

  it('reads the flow from standard input, and an object that holds one', async () => {
    const input = JSON.stringify({ flow: exampleFlow, name: 'From a pipe', options: { force: true } });
    const env = { ECHO_URL: api.url };
    const ran = await echoctl(['plan', '-', '--json', '--overwrite', '--if-version', '0'], { input, env });
    assert.equal((JSON.parse(ran.out) as { name: string }).name, 'From a pipe');
    assert.deepEqual(api.service.asked.at(-1)?.options, { force: true, overwrite: true, ifVersion: 0 });
  });

  it('lists, shows and explains applications', async () => {
    const list = (await run('app', 'ls')).out.split('\n');
    assert.match(list[0] ?? '', /^ID +NAME +VERSION +STATUS/);
    assert.match(list[1] ?? '', /^city +City sensors +1 +running +4 +2 +cloud-1 edge-1 fog-1/);
    assert.match((await run('app', 'show', 'City sensors')).out, /function {2}average {2}avg/);
    assert.match((await run('app', 'history', 'city')).out, /^ +1 .* cli +4/m);
    const { out } = await run('explain', 'city', 'average');
    assert.match(out, /^average \(avg\) is on fog-1\n {2}✓ the tab asks for this tier/);
    assert.match(out, /✗ edge-1 {2}its tier is edge/);
  });

  it('diffs, stops, starts, rolls back and removes', async () => {
    assert.match((await run('diff', 'city')).out, /hold version 1 as it was deployed/);
    assert.match((await run('stop', 'city')).out, /stopped/);
    assert.match((await run('start', 'city')).out, /running/);
    assert.match((await run('rollback', 'city', '1')).out, /runs already/);
    const gone = await run('rm', 'city', '--json');
    assert.deepEqual(JSON.parse(gone.out), { removed: 'city' });
    assert.match((await run('app', 'ls')).out, /No applications/);
  });

  it('lists and shows gateways, makes tokens, imports', async () => {
    const rows = (await run('gateway', 'ls')).out.trimEnd().split('\n');
    assert.deepEqual(
      rows.slice(1).map((row) => row.split(' ')[0]),
      ['edge-1', 'fog-1', 'cloud-1'],
    );
    assert.match((await run('gateway', 'show', 'edge-1')).out, /capabilities +camera/);
    assert.match((await run('gateway', 'token', '--name', 'shop-1')).out, /^one-time-token\n/);
    assert.match((await run('import', 'fog-1', '--name', 'Own')).out, /Own version 1 runs/);
    assert.equal((await run('gateway', 'rm', 'cloud-1')).code, 0);
    const shown = await run('gateway', 'show', 'cloud-1');
    assert.equal(shown.code, 1);
  });

  it('shows who reaches which broker', async () => {
    const { code, out } = await run('broker', 'ls');
    assert.equal(code, 0);
    assert.match(out, /^shared {2}mqtt:\/\/127\.0\.0\.1:1899 {2}embedded$/m);
    assert.match(out, /^site\/hall {2}mqtt:\/\/10\.0\.0\.2:1885 {2}offered by fog-1$/m);
    assert.match(out, /^ {2}not reached {3}edge-1\n {2}reached {7}fog-1\n {2}– {13}cloud-1$/m);
    const { out: text } = await run('broker', 'ls', '--json');
    const brokers = JSON.parse(text) as { name: string }[];
    assert.deepEqual(
      brokers.map(({ name }) => name),
      ['shared', 'site/hall'],
    );
  });

  it('shows gateways and streams at a glance', async () => {
    await run('deploy', file('no-cloud.json', JSON.stringify(exampleFlow.slice(0, 4))), '--app', 'city');
    const { out } = await run('top', '--once');
    assert.match(out, /^edge-1 +edge +up/m);
    assert.match(out, /^parse \(edge-1\) +average \(fog-1\) +100 +100 +3 +0 +1$/m);
  });

  it('lists streams, shows what waits, gives it up, passes over it', async () => {
    const { out } = await run('stream', 'ls');
    assert.match(out, /^city\/parse:0 +edge-1 +fog-1 +12\.5 +3 +480 B +1\.5 s +2\/40 +2 +2 +0 +4 +1$/m);
    const inspected = await run('stream', 'inspect', 'city/parse:0', '--limit', '5');
    assert.match(
      inspected.out,
      /^7 .*40 B\n {2}\{"payload":21\.5\}\n1 record waits; the last number is 7\.$/m,
    );
    assert.match((await run('stream', 'purge', 'parse')).out, /^fog-1 will not get 1 record\.$/m);
    const skipped = await run('stream', 'skip', 'parse', '2', '--consumer', 'fog-1', '--yes');
    assert.match(skipped.out, /^Passed over 1, 2\.$/m);
    assert.equal((await run('stream', 'skip', 'parse')).code, 2);
    assert.equal((await run('stream', 'inspect', 'nowhere')).code, 1);
  });

  it('lists, shows, replays and drops dead letters', async () => {
    assert.match(
      (await run('stream', 'dead', 'ls')).out,
      /^fog-1 +1 +city\/parse:0 +3 .* 3 +no such table$/m,
    );
    assert.match(
      (await run('stream', 'dead', 'show', 'fog-1', '1')).out,
      /its task fails\n[\s\S]*\{"payload":"bad"\}/,
    );
    assert.match((await run('stream', 'dead', 'replay', 'fog-1', '1')).out, /Processed/);
    assert.equal((await run('stream', 'dead', 'drop', 'fog-1', '1', '--yes')).code, 1);
    assert.match((await run('stream', 'dead', 'ls')).out, /Nothing was set aside/);
  });

  it('says what an error code means', async () => {
    const { out } = await run('errors', 'ECHO_BODY_NOT_JSON');
    assert.match(out, /^ECHO_BODY_NOT_JSON {2}The body is not JSON\.\n {2}Correct the text/);
    assert.ok(Array.isArray(await json('errors')));
  });

  it('refuses a plan with something in the way: exit 1, what is in the way, what to do', async () => {
    api.service.down('fog-1');
    const { code, out } = await run('plan', flow);
    assert.equal(code, 1);
    assert.match(out, /✗ fog-1 is down\. TEST_BLOCKED, fog-1\n {4}Start it, or use --allow-offline\./);
    assert.match(out, /A deploy would be refused: 2 things in the way\./);
    assert.equal((await run('plan', flow, '--allow-offline')).code, 0);
  });

  describe('exit codes', () => {
    it('1: refused, with code, where and remedy on stderr', async () => {
      const { code, out, err } = await run('app', 'show', 'nope');
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, /^error ECHO_APP_UNKNOWN: There is no application nope\.\n {2}remedy: /);
    });

    it('1, with --json: the problem as one JSON document on stdout', async () => {
      const { code, out, err } = await run('app', 'show', 'nope', '--json');
      assert.deepEqual([code, err], [1, '']);
      assert.equal((JSON.parse(out) as { error: { code: string } }).error.code, 'ECHO_APP_UNKNOWN');
    });

    it('2: an unknown command, a missing argument, a missing file, a file that is not JSON', async () => {
      assert.equal((await run('fly')).code, 2);
      assert.equal((await run('--url', 'orchestrator', 'app', 'ls')).code, 2);
      assert.equal((await run('plan')).code, 2);
      assert.equal((await run('rollback', 'city', 'last')).code, 2);
      const missing = await run('plan', join(folder, 'none.json'));
      assert.equal(missing.code, 2);
      assert.match(missing.err, /ECHO_CLI_FILE_UNREADABLE/);
      const broken = await run('plan', file('broken.json', '[{"id":"x"},\n oops]'));
      assert.equal(broken.code, 2);
      assert.match(broken.err, /broken\.json is not JSON: line 2 column 2/);
    });

    it('3: nothing answers', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      const { code, err } = await echoctl(['app', 'ls', '--url', `http://127.0.0.1:${port}`]);
      assert.equal(code, 3);
      assert.match(err, /ECHO_CLI_UNREACHABLE.*ECONNREFUSED/);
    });

    it('4: something else answers, or the orchestrator failed', async () => {
      const server = createServer((_, res) => res.end('<h1>It works!</h1>')).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as AddressInfo;
      const other = await echoctl(['app', 'ls', '--url', `http://127.0.0.1:${port}`]);
      server.close();
      assert.equal(other.code, 4);
      assert.match(other.err, /ECHO_CLI_ANSWER_UNREADABLE/);
      const failing = await serveApi();
      failing.service.failWith(new Error('inside'));
      const { code, err } = await echoctl(['deploy', flow], { env: { ECHO_URL: failing.url } });
      await failing.close();
      assert.equal(code, 4);
      assert.match(err, /ECHO_INTERNAL/);
    });

    it('0: help and version', async () => {
      assert.equal((await run('--help')).code, 0);
      assert.match((await run('--version')).out, /^\d+\.\d+\.\d+\n$/);
    });
  });

  it('carries the API key from --key or ECHO_API_KEY', async () => {
    const apiKey = 'a-key-of-sixteen-or-more';
    const locked = await serveApi({ settings: { host: '127.0.0.1', apiKey } });
    const env = { ECHO_URL: locked.url };
    assert.equal((await echoctl(['app', 'ls'], { env })).code, 1);
    assert.equal((await echoctl(['app', 'ls', '--key', apiKey], { env })).code, 0);
    assert.equal((await echoctl(['app', 'ls'], { env: { ...env, ECHO_API_KEY: apiKey } })).code, 0);
    await locked.close();
  });

  it('starts through its launcher, with its exit code', async () => {
    const main = fileURLToPath(new URL('../../../scripts/echoctl.mjs', import.meta.url));
    const ran = await echoctl(['app', 'show', 'nope'], { main, env: { ECHO_URL: api.url } });
    assert.equal(ran.code, 1);
  });
});
