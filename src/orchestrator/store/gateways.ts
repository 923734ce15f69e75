/** Enrolments, tokens and the catalogue: what the gateway machinery and the registry keep. */
import type { DatabaseSync } from 'node:sqlite';
import type { CatalogueStore } from '../../registry/ports.ts';
import type { Item } from '../../registry/types.ts';
import type { GatewayFacts } from '../../wire/control.ts';
import type { Enrolment, EnrolmentStore, Token, TokenStore } from '../gateways/ports.ts';

interface EnrolmentRow {
  id: string;
  secret_hash: string;
  admin_sealed: string | null;
  facts: string;
  enrolled_at: number;
  last_seen_at: number;
}

const toEnrolment = (row: EnrolmentRow): Enrolment => ({
  id: row.id,
  secretHash: row.secret_hash,
  ...(row.admin_sealed === null ? {} : { adminSealed: row.admin_sealed }),
  facts: JSON.parse(row.facts) as GatewayFacts,
  enrolledAt: row.enrolled_at,
  lastSeenAt: row.last_seen_at,
});

export function enrolmentStore(db: DatabaseSync): EnrolmentStore {
  const all = db.prepare('SELECT * FROM enrolments ORDER BY id');
  const one = db.prepare('SELECT * FROM enrolments WHERE id = ?');
  const put = db.prepare('INSERT OR REPLACE INTO enrolments VALUES (?, ?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM enrolments WHERE id = ?');
  return {
    list: () => (all.all() as unknown as EnrolmentRow[]).map(toEnrolment),
    get(id) {
      const row = one.get(id) as EnrolmentRow | undefined;
      return row && toEnrolment(row);
    },
    put(e) {
      const facts = JSON.stringify(e.facts);
      put.run(e.id, e.secretHash, e.adminSealed ?? null, facts, e.enrolledAt, e.lastSeenAt);
    },
    remove: (id) => void remove.run(id),
  };
}

export function tokenStore(db: DatabaseSync): TokenStore {
  const put = db.prepare('INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)');
  const take = db.prepare('DELETE FROM tokens WHERE hash = ? RETURNING *');
  const prune = db.prepare('DELETE FROM tokens WHERE expires_at < ?');
  return {
    put: (token) => void put.run(token.hash, token.name ?? null, token.expiresAt),
    take(hash): Token | undefined {
      const row = take.get(hash) as { hash: string; name: string | null; expires_at: number } | undefined;
      if (row === undefined) return undefined;
      return {
        hash: row.hash,
        ...(row.name === null ? {} : { name: row.name }),
        expiresAt: row.expires_at,
      };
    },
    prune: (now) => void prune.run(now),
  };
}

export function catalogueStore(db: DatabaseSync): CatalogueStore {
  const all = db.prepare('SELECT item FROM catalogue ORDER BY position');
  const put = db.prepare(
    'INSERT INTO catalogue (href, item) VALUES (?, ?) ON CONFLICT (href) DO UPDATE SET item = excluded.item',
  );
  const remove = db.prepare('DELETE FROM catalogue WHERE href = ?');
  return {
    load: () => (all.all() as { item: string }[]).map((row) => JSON.parse(row.item) as Item),
    put: (item) => void put.run(item.href, JSON.stringify(item)),
    remove: (href) => void remove.run(href),
  };
}
