import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areas, catalogue } from '../../../src/orchestrator/api/catalogue.ts';
import { ERRORS_PAGE, errorsPage } from '../../../src/orchestrator/api/errorsPage.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Every TypeScript file of the product. */
function sources(): string[] {
  return ['src', 'nodes']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
        join(ROOT, folder, file),
      ),
    )
    .concat(join(ROOT, 'settings.ts'))
    .filter((file) => file.endsWith('.ts') && !/\/(node_modules|dist)\//.test(file));
}

describe('error catalogue', () => {
  it('holds the codes of every file that defines some', () => {
    const missing = sources().flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      if (!/^export const \w+ = defineErrors\(/m.test(text)) return [];
      const codes = text.match(/^ {2}(ECHO_[A-Z_]+)(?=: \{)/gm) ?? [];
      assert.ok(codes.length > 0, `${file}: no codes found`);
      return codes.map((code) => code.trim()).filter((code) => !(code in catalogue));
    });
    assert.deepEqual(missing, []);
  });

  it('defines each code once', () => {
    const codes = areas.flatMap((area) => Object.keys(area.catalogue));
    assert.deepEqual(
      codes.filter((code, i) => codes.indexOf(code) !== i),
      [],
    );
  });

  it('says of each code what it is and what to do, in sentences', () => {
    for (const [code, { status, title, remedy }] of Object.entries(catalogue)) {
      assert.match(code, /^ECHO(_[A-Z0-9]+)+$/);
      assert.ok(status >= 400 && status < 600, code);
      assert.match(title, /^\S.*[.)]$/, `${code}: title`);
      assert.ok(remedy.length > 15, `${code}: remedy`);
    }
  });

  it('is what docs/errors.md shows (else: node src/orchestrator/api/errorsPage.ts --write)', () => {
    assert.equal(readFileSync(ERRORS_PAGE, 'utf8'), errorsPage());
  });
});
