/** The table of every route. */
import type { Route } from '../route.ts';
import { applicationRoutes } from './applications.ts';
import { dagRoutes } from './dag.ts';
import { deployRoutes } from './deploy.ts';
import { gatewayRoutes } from './gateways.ts';
import { operationRoutes } from './operations.ts';
import type { RouteParts } from './parts.ts';
import { selfRoutes } from './self.ts';
import { streamRoutes } from './streams.ts';

export function createRoutes(parts: RouteParts): readonly Route[] {
  const routes: Route[] = [
    ...deployRoutes(parts),
    ...applicationRoutes(parts),
    ...streamRoutes(parts),
    ...gatewayRoutes(parts),
    ...operationRoutes(parts),
    ...dagRoutes(parts),
    ...selfRoutes(parts, () => routes),
  ];
  return routes;
}
