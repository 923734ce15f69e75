/** What the documents list is what there is. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../../settings.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('documents', () => {
  it('docs/settings.md lists every variable with its default', () => {
    const variables = [...read('settings.ts').matchAll(/describe\('(ECHO_\w+)'\)/g)].map(([, name]) => name!);
    assert.ok(variables.length > 10);
    const rows = read('docs/settings.md').split('\n');
    const defaults = flat(loadSettings({}, {}));
    for (const name of variables) {
      const row = rows.find((line) => line.includes(`\`${name}\``));
      assert.ok(row !== undefined, `${name} is missing`);
      const [, path = '', , standard = ''] = row.split('|').map((cell) => cell.trim().replaceAll('`', ''));
      const value = defaults.get(path);
      if (value !== undefined && path !== 'cacheDir') assert.equal(standard, String(value), name);
    }
  });

  it('docs/dependencies.md has a line for every dependency, and none for others', () => {
    const listed = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!);
    const packages = ['package.json', 'nodes/gateway/package.json'].map((path) => JSON.parse(read(path)));
    const used = packages.flatMap(({ dependencies = {}, devDependencies = {} }) =>
      Object.keys({ ...dependencies, ...devDependencies }).map((name) =>
        name.replace(/^@types\/.*/, '@types/*'),
      ),
    );
    assert.deepEqual([...new Set(listed)].sort(), [...new Set(used)].sort());
  });

  it('links between documents lead somewhere', () => {
    const documents = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
    const lost = documents
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
          .map(([, target]) => relative(ROOT, join(ROOT, dirname(path), target!)))
          .filter((target) => !existsSync(join(ROOT, target)))
          .map((target) => `${path} → ${target}`),
      );
    assert.deepEqual(lost, []);
  });
});

function flat(value: object, prefix: string = ''): Map<string, unknown> {
  const out = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object')
      for (const [path, leaf] of flat(inner, `${prefix}${key}.`)) out.set(path, leaf);
    else out.set(prefix + key, inner);
  }
  return out;
}
