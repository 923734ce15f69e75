/**
 * The shapes that cross the REST API, as schemas, each with the name it bears in the OpenAPI document: requests are
 * validated with them, the document is generated from them, and tests hold every answer against them. `satisfies`
 * keeps them equal to `types.ts`.
 */
import { z } from 'zod';
import { enrolReply, enrolRequest } from '../../wire/control.ts';
import { inspection, purged, replayed, skipped } from '../../wire/operate.ts';
import { errorEntry, operation, problem } from './schemas/answers.ts';
import {
  appDetail,
  appDiff,
  appSummary,
  dataflow,
  explanation,
  versionSummary,
} from './schemas/applications.ts';
import { brokerView, enrolToken, gatewayDetail, gatewayView } from './schemas/gateways.ts';
import { cutWire, deployment, drift, gatewayPlan, plan, progress } from './schemas/plans.ts';
import {
  deployBody,
  deployOptions,
  importBody,
  purgeBody,
  rollbackBody,
  skipBody,
  tokenBody,
} from './schemas/requests.ts';
import { deadLetterDetailView, deadLetterView, streamView } from './schemas/streams.ts';

export const schemas = {
  AppDetail: appDetail,
  AppDiff: appDiff,
  AppSummary: appSummary,
  BrokerView: brokerView,
  CutWire: cutWire,
  Dataflow: dataflow,
  DeadLetter: deadLetterView,
  DeadLetterDetail: deadLetterDetailView,
  DeployBody: deployBody,
  DeployOptions: deployOptions,
  Deployment: deployment,
  Drift: drift,
  EnrolReply: enrolReply,
  EnrolRequest: enrolRequest,
  EnrolToken: enrolToken,
  ErrorEntry: errorEntry,
  Explanation: explanation,
  GatewayDetail: gatewayDetail,
  GatewayPlan: gatewayPlan,
  GatewayView: gatewayView,
  Health: z.object({ live: z.boolean(), ready: z.boolean() }),
  ImportBody: importBody,
  InjectBody: z.unknown(),
  Inspection: inspection,
  Operation: operation,
  Plan: plan,
  ProblemDocument: problem,
  Progress: progress,
  PurgeBody: purgeBody,
  Purged: purged,
  Replayed: replayed,
  RollbackBody: rollbackBody,
  SkipBody: skipBody,
  Skipped: skipped,
  StreamView: streamView,
  TokenBody: tokenBody,
  VersionSummary: versionSummary,
} as const satisfies Readonly<Record<string, z.ZodType>>;

export type SchemaName = keyof typeof schemas;
