/** The table of every route. */
import type { Registry } from 'prom-client';
import type { OrchestratorService } from '../../types.ts';
import type { Operations } from '../operations.ts';
import type { Route } from '../route.ts';
import { applicationRoutes } from './applications.ts';
import { dagRoutes } from './dag.ts';
import { deployRoutes } from './deploy.ts';
import { gatewayRoutes } from './gateways.ts';
import { operationRoutes } from './operations.ts';
import { selfRoutes } from './self.ts';

export interface RouteParts {
  readonly service: OrchestratorService;
  readonly operations: Operations;
  readonly metrics: Registry;
  readonly ready?: () => boolean;
}

export function createRoutes(parts: RouteParts): readonly Route[] {
  const routes: Route[] = [
    ...deployRoutes(parts),
    ...applicationRoutes(parts),
    ...gatewayRoutes(parts),
    ...operationRoutes(parts),
    ...dagRoutes(parts),
    ...selfRoutes(parts, () => routes),
  ];
  return routes;
}
