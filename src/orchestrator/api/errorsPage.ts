/** docs/errors.md, made from the catalogue. Run this file with `--write` to write it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { areas } from './catalogue.ts';

export const ERRORS_PAGE = fileURLToPath(new URL('../../../docs/errors.md', import.meta.url));

const INTRODUCTION = `# Errors

Every error has a stable code. The REST API answers with a problem document (RFC 9457, \`application/problem+json\`):
\`code\`, \`title\`, \`detail\` (what exactly was wrong), \`where\` (a JSON path, a node, a gateway), \`remedy\` and
\`status\`. echoctl prints the same, and \`echoctl errors CODE\` prints the entry of this page.

This page is made from the catalogue in the code: \`node src/orchestrator/api/errorsPage.ts --write\` (Node.js 24).
`;

export function errorsPage(): string {
  const sections = areas.map(({ title, catalogue }) => {
    const rows = Object.entries(catalogue)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, e]) => `### ${code}\n\n${e.title} (HTTP ${e.status})\n\nWhat to do: ${e.remedy}\n`);
    return `## ${title}\n\n${rows.join('\n')}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

if (import.meta.main && process.argv.includes('--write')) writeFileSync(ERRORS_PAGE, errorsPage());
