/** gateway ls|show|rm|token, broker ls, import. */
import type { Command } from 'commander';
import type { BrokerView, Deployment, EnrolToken, GatewayDetail, GatewayView } from '../../types.ts';
import { segment, type WithContext } from '../context.ts';
import { renderDeployment } from '../render/applications.ts';
import { renderBrokers, renderGateway, renderGateways, renderToken } from '../render/gateways.ts';
import { show } from './applications.ts';
import { wholeNumber } from './deploy.ts';

const GATEWAY = 'id of the gateway';

export function gatewayCommands(program: Command, context: WithContext): void {
  const gateway = program.command('gateway').description('look at the fleet and change it');
  gateway
    .command('ls')
    .description('every enrolled gateway')
    .action((_: object, command: Command) =>
      show<GatewayView[]>(context(command), '/gateways', renderGateways),
    );
  gateway
    .command('show')
    .description('one gateway')
    .argument('<gateway>', GATEWAY)
    .action((id: string, _: object, command: Command) =>
      show<GatewayDetail>(context(command), `/gateways/${segment(id)}`, renderGateway),
    );
  gateway
    .command('rm')
    .description("take ECHO's fragments off a gateway, leave its own flows as they are, end its enrolment")
    .argument('<gateway>', GATEWAY)
    .option('--force', 'also when it cannot be reached or applications still need it')
    .option('-y, --yes', 'do not ask first')
    .action(async (id: string, options: { force?: boolean; yes?: boolean }, command: Command) => {
      const here = context(command);
      if (!(await here.agreed(`Take ${id} out of the fleet?`, options.yes))) return;
      const query = options.force ? '?force=1' : '';
      const { progress: onProgress } = here;
      await here.client.ask(`/gateways/${segment(id)}${query}`, { method: 'DELETE', onProgress });
      here.result({ removed: id }, () => [`${id} is out of the fleet; its own flows stand as they were.`]);
    });
  gateway
    .command('token')
    .description('make a one-time token with which a gateway enrols')
    .option('--name <gateway>', 'the name the gateway will have')
    .option('--ttl <seconds>', 'how long the token is good for', wholeNumber)
    .action(async ({ name, ttl }: { name?: string; ttl?: number }, command: Command) => {
      const here = context(command);
      const body = { ...(name ? { name } : {}), ...(ttl === undefined ? {} : { ttlSeconds: ttl }) };
      const token = await here.client.ask<EnrolToken>('/tokens', { method: 'POST', body });
      here.result(token, () => renderToken(token, here.client.url, here.terminal.paint));
    });
  program
    .command('broker')
    .description('which brokers there are, and which gateway reaches which')
    .command('ls')
    .description('the reachability map')
    .action((_: object, command: Command) => show<BrokerView[]>(context(command), '/brokers', renderBrokers));
  program
    .command('import')
    .description('adopt the tabs a gateway already has as an application placed there')
    .argument('<gateway>', GATEWAY)
    .option('--tab <id...>', 'only these tabs')
    .option('--name <name>', 'name of the application')
    .action(async (id: string, { tab, name }: { tab?: string[]; name?: string }, command: Command) => {
      const here = context(command);
      const body = { ...(tab ? { tabs: tab } : {}), ...(name ? { name } : {}) };
      const { progress: onProgress } = here;
      const path = `/gateways/${segment(id)}/import`;
      const deployment = await here.client.ask<Deployment>(path, { method: 'POST', body, onProgress });
      here.result(deployment, () => [renderDeployment(deployment, here.terminal.paint)]);
    });
}
