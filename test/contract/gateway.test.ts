/** The gateway contract, kept by the simulator and by every supported Node-RED. */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { pino } from 'pino';
import { problemHandler } from '../../src/orchestrator/api/problem.ts';
import { enrolRequest } from '../../src/wire/control.ts';
import { hasOpenssl, NO_OPENSSL, selfSigned } from '../kit/certificate.ts';
import { type Disposables, disposables } from '../kit/cleanup.ts';
import { startRealGateway } from '../kit/gateways.ts';
import { startSimulatedFleet } from '../kit/simulator/simulatedFleet.ts';
import { skip } from '../kit/skip.ts';
import { type GatewayUnderTest, keepsThePromisesOfAGateway } from './gateway.contract.ts';

const user = { username: 'echo', password: 'password-of-echo' };
/** bcrypt of `user.password`, as adminAuth wants it. */
const HASH = '$2b$08$3L402a/jP2DHR0pMebIVfuDZVqeB7OVT.uup2Z/98iYMntpYd.iSa';
const settings = { gateways: { heartbeatMs: 200, staleMs: 5_000, requestTimeoutMs: 5_000 } };

describe('gateway contract: simulated', () => {
  const kit = disposables();
  keepsThePromisesOfAGateway(async (): Promise<GatewayUnderTest> => {
    const sim = await startSimulatedFleet(kit, { settings });
    const gateway = await sim.join({ name: 'contract', user });
    return {
      fleet: sim.fleet,
      id: 'contract',
      access: user,
      kill: async () => gateway.control.vanish(),
      start: () => gateway.restart(),
    };
  });
});

interface Variant {
  readonly version: '4.1' | '5.0';
  readonly https?: boolean;
}

for (const { version, https = false } of [
  { version: '5.0' },
  { version: '4.1' },
  { version: '5.0', https: true },
] satisfies Variant[] as Variant[]) {
  describe(`gateway contract: Node-RED ${version}${https ? ' over HTTPS' : ''}`, () => {
    const kit = disposables();
    before(function () {
      if (https && !hasOpenssl()) skip(this, NO_OPENSSL);
    });
    keepsThePromisesOfAGateway(async (): Promise<GatewayUnderTest> => {
      const { fleet, desk } = await startSimulatedFleet(kit, { settings });
      const orchestrator = await enrolmentDoor(kit, (body) => fleet.enrol(enrolRequest.parse(body)));
      const { token } = desk.createToken({ name: 'contract' });
      const certificate = https ? selfSigned(kit.folder()) : undefined;
      const process = await startRealGateway(kit, {
        version,
        echo: { orchestrator, token, name: 'contract', admin: user },
        settings: {
          httpAdminRoot: '/some/where',
          adminAuth: {
            type: 'credentials',
            users: [{ username: user.username, password: HASH, permissions: '*' }],
          },
          ...(certificate === undefined ? {} : { https: certificate }),
        },
      });
      return {
        fleet,
        id: 'contract',
        access: { ...user, ...(certificate === undefined ? {} : { certificate: certificate.cert }) },
        kill: () => process.kill(),
        start: () => process.start(),
      };
    });
  });
}

/** `POST /api/v1/enrol` alone. */
async function enrolmentDoor(kit: Disposables, enrol: (body: unknown) => Promise<unknown>): Promise<string> {
  const app = express();
  app.use(express.json({ limit: '5mb' }));
  app.post('/api/v1/enrol', async (req, res) => {
    res.json(await enrol(req.body));
  });
  app.use(problemHandler(pino({ level: 'silent' })));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  kit.add(server, () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
