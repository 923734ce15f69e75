/**
 * Builds `dist/` from `src/`: one CommonJS bundle (`runtime.js`) that the thin files Node-RED loads all share, so
 * that plugin and nodes meet in one module instance, and the HTML beside them.
 */
import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const src = join(here, 'src');
/** Built beside `dist` and put in its place at the end: a gateway that starts meanwhile finds one or the other. */
const dist = await mkdtemp(join(here, 'dist-'));
const { version } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));

/** file Node-RED loads → export of the bundle it is. */
const entries = {
  agent: 'agentPlugin',
  'echo-broker': 'echoBroker',
  'echo-channel': 'echoChannel',
  'echo-in': 'echoIn',
  'echo-out': 'echoOut',
};

await build({
  entryPoints: [join(src, 'runtime.ts')],
  outfile: join(dist, 'runtime.js'),
  bundle: true,
  platform: 'node',
  target: 'node20.15',
  format: 'cjs',
  external: ['aedes', 'mqtt'],
  define: { ECHO_AGENT_VERSION: JSON.stringify(version) },
  legalComments: 'none',
  logLevel: 'warning',
});

for (const [file, name] of Object.entries(entries)) {
  await writeFile(join(dist, `${file}.js`), `module.exports = require('./runtime.js').${name};\n`);
}
/**
 * What the dialogs of several nodes share. Each says what an option means that is left empty: its default, or what is
 * said elsewhere.
 */
const options = await readFile(join(src, 'nodes', 'wire-options.part.html'), 'utf8');
for (const file of Object.keys(entries).filter((name) => name !== 'agent')) {
  const html = await readFile(join(src, 'nodes', `${file}.html`), 'utf8');
  const whole = html.replace(/ *<!-- wire-options: (.*) -->\n/, (_, said) =>
    options.replaceAll(/__none\((.*?)\)__/g, (_, value) =>
      said === 'default' ? `${value} (default)` : said,
    ),
  );
  await writeFile(join(dist, `${file}.html`), whole);
}
await buildEditor();
for (const part of ['nodes', 'editor']) {
  const locales = join(src, part, 'locales');
  if (existsSync(locales)) await cp(locales, join(dist, 'locales'), { recursive: true });
}

await chmod(dist, 0o755);
await putInPlace();

/** Two builds at once: each swaps its own in, the last one stays. */
async function putInPlace(attempt = 0) {
  const target = join(here, 'dist');
  const old = `${dist}.old`;
  try {
    if (existsSync(target)) await rename(target, old);
    await rename(dist, target);
  } catch (error) {
    if (attempt === 5) throw error;
    await putInPlace(attempt + 1);
  }
  await rm(old, { recursive: true, force: true });
}

/** The editor plugin: `src/editor/index.ts` bundled into a script after `src/editor/template.html`. */
async function buildEditor() {
  const entry = join(src, 'editor', 'index.ts');
  const runtime = join(src, 'editor', 'runtime.cjs');
  const template = join(src, 'editor', 'template.html');
  if (existsSync(runtime)) await cp(runtime, join(dist, 'editor.js'));
  else await writeFile(join(dist, 'editor.js'), 'module.exports = () => {};\n');
  if (!existsSync(entry)) return;
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    target: 'es2020',
    format: 'iife',
    charset: 'utf8',
    logLevel: 'warning',
  });
  const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
  const head = existsSync(template) ? await readFile(template, 'utf8') : '';
  await writeFile(join(dist, 'editor.html'), `${head}<script type="text/javascript">\n${script}</script>\n`);
}
