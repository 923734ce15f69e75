/** Who this gateway is in its fleet, kept in a file only its user can read: lets it run while the orchestrator is down. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type EnrolReply, enrolReply } from '../../../../src/wire/control.ts';

/** `orchestrator`: the URL it is enrolled at; settings that name another one start afresh. */
const schema = enrolReply.extend({ orchestrator: z.string() });
export type Identity = z.infer<typeof schema>;

export class IdentityFile {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = join(folder, 'identity.json');
  }

  /** The identity of an earlier enrolment at this orchestrator. */
  read(orchestrator: string): Identity | undefined {
    try {
      const identity = schema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return identity.orchestrator === orchestrator ? identity : undefined;
    } catch {
      return undefined;
    }
  }

  write(orchestrator: string, reply: EnrolReply): Identity {
    const identity = { ...reply, orchestrator };
    const temporary = `${this.#path}.tmp`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, JSON.stringify(identity), { mode: 0o600 });
    renameSync(temporary, this.#path);
    return identity;
  }

  forget(): void {
    rmSync(this.#path, { force: true });
  }
}
