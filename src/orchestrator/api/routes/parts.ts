/** What the routes are made from. */
import type { Registry } from 'prom-client';
import type { OrchestratorService } from '../../types.ts';
import type { Operations } from '../operations.ts';

export interface RouteParts {
  readonly service: OrchestratorService;
  readonly operations: Operations;
  readonly metrics: Registry;
  readonly ready?: () => boolean;
}
