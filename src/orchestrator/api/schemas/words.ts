/** Shapes that many schemas share. */
import { z } from 'zod';

export const text = z.string();

export const count = z.number().int().nonnegative();

export const placement = z.record(text, text).describe('Task id to gateway id.');

export const details = z.record(text, z.unknown());
