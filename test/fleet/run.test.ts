import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposables } from '../kit/cleanup.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(script: string, args: readonly string[], cwd: string = ROOT): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('runner', function () {
  this.timeout(60_000);
  const kit = disposables();
  const runner = join(ROOT, 'scripts', 'run.mjs');

  /** Runs `npm test` on one test file made here. */
  const test = (body: string): Promise<Ended> => {
    const file = join(kit.folder(), 'made.test.ts');
    writeFileSync(file, body);
    return run(runner, ['test', file]);
  };
  const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

  it('ends a test run with the plain count, and with its exit code', async () => {
    const good = await test(`it('works', () => {});`);
    assert.deepEqual([lastLine(good.out), good.code], ['1 passed, 0 failed', 0]);
    const bad = await test(`it('works', () => {}); it('breaks', () => { throw new Error('so'); });`);
    assert.deepEqual([lastLine(bad.out), bad.code], ['1 passed, 1 failed', 1]);
  });

  it('counts a file that cannot be loaded as a failure', async () => {
    const broken = await test(`import './nowhere.ts';`);
    assert.deepEqual([lastLine(broken.out), broken.code], ['0 passed, 1 failed', 1]);
  });

  it('lists what was skipped and why', async () => {
    const { out } = await test(`
      import { skip } from '${ROOT}test/kit/skip.ts';
      process.env.CI = '';
      it('needs a thing', function () { skip(this, 'the thing is not here'); });
      describe('suite', () => { before(function () { skip(this, 'nor that') }); it('a', () => {}); });`);
    assert.match(out, /- needs a thing: the thing is not here\n/);
    assert.match(out, /- suite a: nor that\n/);
    assert.equal(lastLine(out), '0 passed, 0 failed, 2 skipped');
  });

  it('skips nothing with CI=true', async () => {
    const { out, code } = await test(`
      import { skip } from '${ROOT}test/kit/skip.ts';
      process.env.CI = 'true';
      it('needs a thing', function () { skip(this, 'the thing is not here'); });`);
    assert.equal(lastLine(out), '0 passed, 1 failed');
    assert.equal(code, 1);
  });

  it('names the benchmarks there are when asked for another', async () => {
    const { code, err } = await run(runner, ['bench', 'no-such']);
    assert.equal(code, 1);
    assert.match(err, /there is no benchmark "no-such"\nChoose one of: /);
  });

  it('says what to do when npm ci fails, and shows what npm said', async () => {
    const folder = kit.folder();
    mkdirSync(join(folder, 'scripts'));
    cpSync(runner, join(folder, 'scripts', 'run.mjs'));
    writeFileSync(join(folder, 'package.json'), '{"name":"x","dependencies":{"mqtt":"5.16.0"}}');
    const { code, err } = await run(join(folder, 'scripts', 'run.mjs'), ['up'], folder);
    assert.equal(code, 1);
    assert.match(err, /npm error .*package-lock\.json/);
    assert.match(err, /npm ci ended with 1\nCheck the network and the registry/);
  });

  it('finds every optional package in the lock file, so that npm ci works on every platform', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const named = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    const paths = Object.keys(packages);
    assert.deepEqual(
      named.filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`))),
      [],
    );
  });
});
