/** Loads the simulation with a rule of the protocol taken away, beside the one that has them all. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutation, mutations } from './mutations.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

type Simulation = typeof import('./simulate.ts');

/** Every module that a mutant imports is a module of its own: its address carries the number of the mutation. */
const MARK = '?without=';

let hooked = false;

export async function loadMutant(mutation: Mutation): Promise<Simulation> {
  if (!hooked) hook();
  hooked = true;
  for (const { file, text } of mutation.edits) {
    const found = readFileSync(join(ROOT, file), 'utf8').split(text).length - 1;
    if (found !== 1)
      throw new Error(`${file} has ${found} times what stands for "${mutation.rule}": ${text}`);
  }
  return (await import(`./simulate.ts${MARK}${mutations.indexOf(mutation)}`)) as Simulation;
}

function hook(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const result = next(specifier, context);
      const number = context.parentURL?.split(MARK)[1];
      if (number === undefined || !result.url.startsWith('file:') || result.url.includes(MARK)) return result;
      return { ...result, url: `${result.url}${MARK}${number}` };
    },
    load(url, context, next) {
      const [address, number] = url.split(MARK);
      const result = next(url, context);
      const mutation = number === undefined ? undefined : mutations[Number(number)];
      const edits = mutation?.edits.filter(({ file }) => fileURLToPath(address!) === join(ROOT, file)) ?? [];
      if (edits.length === 0) return result;
      let source = String(result.source);
      for (const { text, instead } of edits) source = source.replace(text, () => instead);
      return { ...result, source };
    },
  });
}
