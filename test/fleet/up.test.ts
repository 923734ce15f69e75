import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, freePorts } from '../../src/orchestrator/fleet/ports.ts';
import { disposables } from '../kit/cleanup.ts';
import { descendantsOf, isRunning, type ProcessEntry } from '../kit/processes.ts';
import { waitFor } from '../kit/wait.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const START_MS = 90_000;

interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
}

describe('npm start', function () {
  this.timeout(180_000);
  const kit = disposables();

  const environment = async () => ({
    ECHO_DATA_DIR: join(kit.folder(), 'data'),
    ECHO_PORT: String(await freePort()),
    ECHO_BROKER_PORT: String(await freePort()),
    ECHO_FLEET_BASE_PORT: String(await freePorts(3)),
  });

  /** Runs a command of the repository, in a process group of its own. */
  const run = (command: string, args: string[], env: Record<string, string>): Running => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const pid = child.pid!;
    kit.add(child, () => {
      for (const entry of [...descendantsOf(pid), { pid }]) {
        if (isRunning(entry.pid)) process.kill(entry.pid, 'SIGKILL');
      }
    });
    return { child, pid, said: () => text, ended };
  };
  const up = (env: Record<string, string>): Running => run(process.execPath, ['scripts/run.mjs', 'up'], env);
  const isUp = ({ said, child }: Running) =>
    waitFor(
      () => {
        assert.equal(child.exitCode, null, said());
        return said().includes('ECHO is running.');
      },
      { what: 'npm start to be up', timeout: START_MS, every: 100 },
    );
  const allGone = (entries: readonly ProcessEntry[]) =>
    waitFor(() => entries.every(({ pid }) => !isRunning(pid)), {
      what: `these to end: ${entries.map(({ pid, command }) => `${pid} ${command}`).join('; ')}`,
      timeout: 20_000,
      every: 100,
    });
  const city = async (env: { ECHO_FLEET_BASE_PORT: string }): Promise<{ rows: number; lost: number }> => {
    const page = `http://127.0.0.1:${Number(env.ECHO_FLEET_BASE_PORT) + 2}/city?json`;
    return (await fetch(page)).json() as Promise<{ rows: number; lost: number }>;
  };
  const applications = async (env: { ECHO_PORT: string }): Promise<unknown[]> => {
    const response = await fetch(`http://127.0.0.1:${env.ECHO_PORT}/api/v1/apps`);
    return (await response.json()) as unknown[];
  };

  const repeated = async (env: { ECHO_PORT: string }): Promise<number[]> => {
    const response = await fetch(`http://127.0.0.1:${env.ECHO_PORT}/api/v1/streams`);
    const streams = (await response.json()) as { consumers: { repeated: number }[] }[];
    return streams.flatMap(({ consumers }) => consumers.map((consumer) => consumer.repeated));
  };

  it('runs the example, ends on SIGTERM with nothing left, and goes on with its data at the next start', async () => {
    const env = await environment();
    const first = up(env);
    await isUp(first);
    await waitFor(async () => (await city(env)).rows >= 100, { what: 'rows at the cloud', timeout: 20_000 });
    const before = await applications(env);
    const started = descendantsOf(first.pid);
    assert.ok(started.length >= 4, 'the orchestrator and three gateways');
    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0, first.said());
    await allGone(started);

    const second = up(env);
    await isUp(second);
    assert.ok(!second.said().includes('deploying the example'), 'the application is still there');
    await waitFor(async () => (await city(env)).rows >= 100, { what: 'rows again', timeout: 20_000 });
    const { id, version } = before[0] as { id: string; version: number };
    assert.partialDeepStrictEqual(await applications(env), [{ id, version }]);
    await waitFor(async () => (await repeated(env)).length === 2, { what: 'both wires to be told of' });
    assert.deepEqual(await repeated(env), [0, 0], 'a planned restart repeats nothing');
    const again = descendantsOf(second.pid);
    second.child.kill('SIGINT');
    assert.equal(await second.ended, 0, second.said());
    await allGone(again);
  });

  it('leaves nothing when npm is ended, or npm, the runner or the orchestrator killed', async () => {
    for (const victim of ['npm ended', 'npm', 'runner', 'orchestrator'] as const) {
      const env = await environment();
      const npm = run('npm', ['start', '--silent'], env);
      await isUp(npm);
      const started = descendantsOf(npm.pid);
      const of = (text: string) =>
        started.find(({ command }) => command.includes(text) && !command.startsWith('sh'));
      if (victim === 'npm ended') process.kill(npm.pid, 'SIGTERM');
      else if (victim === 'npm') process.kill(npm.pid, 'SIGKILL');
      else process.kill(of(victim === 'runner' ? 'scripts/run.mjs' : 'fleet/up.ts')!.pid, 'SIGKILL');
      await allGone(started);
    }
  });

  it('starts a gateway again that crashed', async () => {
    const env = await environment();
    const running = up(env);
    await isUp(running);
    const gateway = descendantsOf(running.pid).find(({ command }) => command.startsWith('node-red'));
    process.kill(gateway!.pid, 'SIGKILL');
    const told = /(edge|fog|cloud)-1 ended \(signal SIGKILL\); it is started again/;
    await waitFor(() => told.test(running.said()), { what: 'the crash to be shown' });
    const { rows } = await waitFor(() => city(env), { what: 'the page', timeout: 30_000 });
    await waitFor(async () => (await city(env)).rows > rows + 100, { what: 'more rows', timeout: 30_000 });
    running.child.kill('SIGTERM');
    assert.equal(await running.ended, 0, running.said());
  });

  it('names a port that is in use and how to choose another', async () => {
    const env = await environment();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kit.add(server, () => server.close());
    const { port } = server.address() as { port: number };
    for (const name of ['ECHO_PORT', 'ECHO_BROKER_PORT', 'ECHO_FLEET_BASE_PORT']) {
      const refused = up({ ...env, [name]: String(port) });
      assert.equal(await refused.ended, 1);
      assert.match(refused.said(), new RegExp(`ECHO_PORT_IN_USE: .*${port}.*in use`));
      assert.match(refused.said(), new RegExp(`${name}=`));
    }
  });

  it('names a setting that cannot be used', async () => {
    const refused = up({ ECHO_PORT: '99999' });
    assert.equal(await refused.ended, 1);
    assert.match(refused.said(), /ECHO_SETTINGS_INVALID: port \(ECHO_PORT\): /);
  });

  it('names a folder that cannot be written', async () => {
    for (const name of ['ECHO_DATA_DIR', 'ECHO_CACHE_DIR']) {
      const refused = up({ ...(await environment()), [name]: '/dev/null/folder' });
      assert.equal(await refused.ended, 1);
      assert.match(refused.said(), new RegExp(`ECHO_FOLDER_UNUSABLE: \\w+ \\(${name}\\): `));
    }
  });

  it('--check verifies the example beside whatever runs and ends with one JSON object', async () => {
    const checked = run('npm', ['start', '--silent', '--', '--check'], {});
    assert.equal(await checked.ended, 0, checked.said());
    const verdict = JSON.parse(checked.said().trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
    assert.partialDeepStrictEqual(verdict, { ok: true, gateways: 3, lost: 0, repeated: 0, reordered: 0 });
    assert.ok((verdict.records as number) >= 1000 && (verdict.cutWires as number) >= 2);
    assert.deepEqual((verdict.nodeRedVersions as string[]).map((version) => version.slice(0, 3)).sort(), [
      '4.1',
      '5.0',
      '5.0',
    ]);
  });
});
