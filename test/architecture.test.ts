/** Keeps the arrows of docs/ARCHITECTURE.md: who may import whom, and what pure code may not touch. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Import {
  /** Importing file, from the root. */
  readonly file: string;
  /** Imported file from the root, or the package name. */
  readonly target: string;
  readonly typeOnly: boolean;
}

interface Rule {
  readonly promise: string;
  /** Files it is about, by path prefix. */
  readonly from: readonly string[];
  readonly forbids: (edge: Import) => boolean;
}

const inside = (path: string, ...folders: string[]): boolean =>
  folders.some((folder) => path.startsWith(folder));
const isOwn = (target: string): boolean =>
  inside(target, 'src/', 'nodes/', 'settings.ts', 'test/', 'scripts/');

/** Modules with which pure code could touch the world. Byte and hash helpers are not among them. */
const WORLD =
  /^(node:)?(fs|net|http|https|http2|dgram|dns|tls|child_process|worker_threads|cluster|os|timers|sqlite|readline|process)(\/|$)/;
const WORLD_PACKAGES = [
  'mqtt',
  'aedes',
  'express',
  'ws',
  'undici',
  'pino',
  'node-red',
  '@node-red/registry',
  'prom-client',
];
const touchesWorld = (target: string): boolean => WORLD.test(target) || WORLD_PACKAGES.includes(target);

const RULES: readonly Rule[] = [
  {
    promise: 'the wire protocol imports nothing of ECHO but itself, and touches no file, socket or timer',
    from: ['src/wire/'],
    forbids: ({ target }) => (isOwn(target) && !inside(target, 'src/wire/')) || touchesWorld(target),
  },
  {
    promise: 'the flow model and the splitter import only themselves and the wire, and touch nothing outside',
    from: ['src/flow/'],
    forbids: ({ target }) =>
      (isOwn(target) && !inside(target, 'src/flow/', 'src/wire/')) || touchesWorld(target),
  },
  {
    promise: 'placement imports only itself, the flow model and the wire, and touches nothing outside',
    from: ['src/placement/'],
    forbids: ({ target }) =>
      (isOwn(target) && !inside(target, 'src/placement/', 'src/flow/', 'src/wire/')) || touchesWorld(target),
  },
  {
    promise: 'the registry imports neither the orchestrator nor migration',
    from: ['src/registry/'],
    forbids: ({ target }) => inside(target, 'src/orchestrator/', 'src/migration/'),
  },
  {
    promise: 'migration imports neither the orchestrator nor the registry',
    from: ['src/migration/'],
    forbids: ({ target }) => inside(target, 'src/orchestrator/', 'src/registry/'),
  },
  {
    promise: 'packages that run on gateways import only the wire',
    from: ['nodes/'],
    forbids: ({ file, target }) => {
      const own = `${file.split('/').slice(0, 2).join('/')}/`;
      return isOwn(target) && !inside(target, own, 'src/wire/');
    },
  },
  {
    promise: 'command line and web page import nothing of the orchestrator but types',
    from: ['src/orchestrator/cli/', 'src/orchestrator/web/'],
    forbids: ({ file, target, typeOnly }) => {
      const own = `${file.split('/').slice(0, 3).join('/')}/`;
      return !typeOnly && inside(target, 'src/orchestrator/', 'src/registry/') && !inside(target, own);
    },
  },
  {
    promise: 'the faces reach the orchestrator through its types, never through its machinery',
    from: [
      'src/orchestrator/api/',
      'src/orchestrator/editor/',
      'src/orchestrator/cli/',
      'src/orchestrator/web/',
    ],
    forbids: ({ target, typeOnly }) =>
      !typeOnly &&
      !target.endsWith('/errors.ts') &&
      inside(
        target,
        'src/orchestrator/deploy/',
        'src/orchestrator/Orchestrator.ts',
        'src/orchestrator/main.ts',
      ),
  },
  {
    promise: 'only the composition root and the local start import the composition root',
    from: ['src/'],
    forbids: ({ file, target }) =>
      target === 'src/orchestrator/main.ts' &&
      !inside(file, 'src/orchestrator/fleet/', 'src/orchestrator/main.ts'),
  },
  {
    promise: 'nothing that ships imports a test',
    from: ['src/', 'nodes/', 'settings.ts', 'scripts/'],
    forbids: ({ target }) => inside(target, 'test/'),
  },
];

describe('architecture', () => {
  const files = ['settings.ts', ...['src', 'nodes', 'scripts'].flatMap(sources)];
  const edges = files.flatMap(importsOf);

  it('is read from the sources', () => {
    assert.ok(files.length > 50);
    assert.ok(edges.some(({ file, target }) => file === 'settings.ts' && target === 'src/wire/errors.ts'));
  });

  for (const { promise, from, forbids } of RULES) {
    it(promise, () => {
      const broken = edges.filter((edge) => inside(edge.file, ...from) && forbids(edge));
      assert.deepEqual(
        broken.map(({ file, target }) => `${file} imports ${target}`),
        [],
      );
    });
  }

  it('settings.ts is the only reader of the environment in the orchestrator', () => {
    const readers = files.filter((file) => inside(file, 'src/') && /\bprocess\.env\b/.test(code(file)));
    assert.deepEqual(readers, []);
  });
});

function sources(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist)\//.test(file));
}

/** The file without comments, so that a sentence about an import is none. */
function code(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}

function importsOf(file: string): Import[] {
  const text = code(file);
  const statements = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?((?:[\w*{][^;'"]*?\s+from\s+)?)['"]([^'"]+)['"]/g,
  );
  const calls = text.matchAll(/\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g);
  const found = [
    ...[...statements].map(([, type, names = '', target = '']) => ({
      target,
      typeOnly: type !== undefined || onlyTypes(names),
    })),
    ...[...calls].map(([, target = '']) => ({ target, typeOnly: false })),
  ];
  return found.map(({ target, typeOnly }) => ({ file, target: resolved(file, target), typeOnly }));
}

/** `{ type A, type B } from` */
function onlyTypes(names: string): boolean {
  const inner = /^\{([\s\S]*)\}\s+from\s+$/.exec(names)?.[1];
  if (inner === undefined) return false;
  const parts = inner.split(',').flatMap((part) => part.trim() || []);
  return parts.length > 0 && parts.every((part) => part.startsWith('type '));
}

function resolved(file: string, target: string): string {
  if (target.startsWith('.')) return relative(ROOT, resolve(ROOT, dirname(file), target));
  return target.startsWith('node:')
    ? target
    : target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/');
}
