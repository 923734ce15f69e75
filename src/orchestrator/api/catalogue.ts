/** Every error of every area, by code: what `GET /api/v1/errors` lists and docs/errors.md describes. */
import { settingsError } from '../../../settings.ts';
import type { ErrorCatalogue } from '../../wire/errors.ts';
import { apiError } from './errors.ts';

/** In the order of docs/errors.md. */
export const areas: readonly { readonly title: string; readonly catalogue: ErrorCatalogue }[] = [
  { title: 'Settings', catalogue: settingsError.catalogue },
  { title: 'Requests', catalogue: apiError.catalogue },
];

export const catalogue: ErrorCatalogue = Object.freeze(
  Object.assign({}, ...areas.map((area) => area.catalogue)) as ErrorCatalogue,
);
