/** Keeps the claims on disk, so that a gateway that restarts in the middle of a deploy comes up gated. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Claim, Claims } from './claims.ts';

const schema = z.array(
  z.object({
    deploy: z.string(),
    tabs: z.array(z.string()),
    level: z.enum(['sources', 'all']),
    expires: z.number(),
    sealed: z.boolean(),
  }),
);

/** The claims of the file; none when it is missing or damaged: a gateway that cannot tell runs. */
export function readClaims(path: string): Claims {
  try {
    const claims: Claim[] = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return new Map(claims.map((claim) => [claim.deploy, claim]));
  } catch {
    return new Map();
  }
}

export function writeClaims(path: string, claims: Claims): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, JSON.stringify([...claims.values()]));
  renameSync(`${path}.tmp`, path);
}
