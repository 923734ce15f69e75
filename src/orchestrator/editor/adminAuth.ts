/** Node-RED `adminAuth` for the design editor: the orchestrator's API key is the password, any user name will do. */
import { createHash, timingSafeEqual } from 'node:crypto';

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

export function adminAuth(apiKey: string): Record<string, unknown> {
  const expected = hash(apiKey);
  const right = (offered: unknown): boolean =>
    typeof offered === 'string' && timingSafeEqual(hash(offered), expected);
  const user = (username: string) => ({ username, permissions: '*' });
  return {
    type: 'credentials',
    users: async (username: string) => user(username),
    authenticate: async (username: string, password: string) => (right(password) ? user(username) : null),
    tokens: async (token: string) => (right(token) ? user('api') : null),
  };
}
